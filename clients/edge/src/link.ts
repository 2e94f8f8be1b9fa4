import { io, type Socket } from 'socket.io-client';
import { ANSWER_MS, type EdgeOptions } from './options.js';

/** CONTRACT §6. */
export interface StreamStop {
  readonly streamId: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly reason: string;
  readonly version: number;
}
export interface EntitlementChanged {
  readonly userId: string;
  readonly version: number;
  readonly streaming: boolean;
}

export interface LinkListener {
  streamIds(): readonly string[];
  onStop(stop: StreamStop): void;
  /** These ended while nobody told us. */
  onOver(streamIds: readonly string[]): void;
  onChanged(changed: EntitlementChanged): void;
  trouble(what: string, error: unknown): void;
}

/** As many as fit into a frame of 16 KiB. */
const AT_ONCE = 400;
const RETRY_MS = 2_000;
/** A refusal that will not change by itself is tried again all the same, rarely: somebody may mend the key. */
const REFUSED_RETRY_MS = 30_000;

/** The line on which Usher says "stop". Without it streams still end with their leases. */
export class Link {
  private readonly socket: Socket;
  private retry: NodeJS.Timeout | undefined;

  constructor(
    { url, key, edgeId }: EdgeOptions,
    private readonly listener: LinkListener,
  ) {
    this.socket = io(new URL('/edge', url).href, {
      transports: ['websocket'],
      auth: { key, edgeId },
      reconnectionDelay: 500,
      reconnectionDelayMax: 5_000,
      forceNew: true,
    });
    this.socket.on('connect', () => void this.catchUp());
    this.socket.on('stream.stop', (stop: StreamStop, ack: () => void) => {
      listener.onStop(stop);
      ack();
    });
    this.socket.on('entitlement.changed', (changed: EntitlementChanged, ack: () => void) => {
      listener.onChanged(changed);
      ack();
    });
    this.socket.on('connect_error', (error: Error & { data?: Refusal }) => this.refused(error));
    // Socket.IO does not come back by itself when the server closed the namespace.
    this.socket.on('disconnect', (reason) => {
      if (reason === 'io server disconnect') this.again(RETRY_MS);
    });
  }

  get connected(): boolean {
    return this.socket.connected;
  }

  close(): void {
    clearTimeout(this.retry);
    this.socket.disconnect();
  }

  private async catchUp(): Promise<void> {
    const streamIds = this.listener.streamIds();
    try {
      for (let start = 0; start < streamIds.length; start += AT_ONCE) {
        const asked = { streamIds: streamIds.slice(start, start + AT_ONCE) };
        const answer = (await this.socket.timeout(ANSWER_MS).emitWithAck('streams', asked)) as Answer;
        if (!answer.ok) throw new Error(answer.error?.code ?? 'refused');
        this.listener.onOver(answer.stop ?? []);
      }
    } catch (error) {
      // The renewals will find out.
      this.listener.trouble('asking which streams ended', error);
    }
  }

  private refused(error: Error & { data?: Refusal }): void {
    this.listener.trouble('connecting', error);
    if (this.socket.active) return;
    const { retryable, retryAfterMs } = error.data ?? {};
    this.again(retryable ? (retryAfterMs ?? RETRY_MS) : REFUSED_RETRY_MS);
  }

  private again(inMs: number): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.socket.connect(), inMs * (0.75 + Math.random() / 2));
  }
}

interface Refusal {
  readonly code?: string;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}
interface Answer {
  readonly ok: boolean;
  readonly stop?: string[];
  readonly error?: Refusal;
}
