import { io, type Socket } from 'socket.io-client';
import { type EdgeOptions, REQUEST_TIMEOUT_MS } from './options.js';

/** A stream must stop (docs/CONTRACT.md, "The edge socket"). */
export interface StreamStop {
  readonly streamId: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly reason: string;
  /** The version of the user's membership. */
  readonly version: number;
}

/** A user's membership has a new version (docs/CONTRACT.md, "The edge socket"). */
export interface EntitlementChanged {
  readonly userId: string;
  readonly version: number;
  /** True if the user may stream. */
  readonly streaming: boolean;
}

export interface EdgeSocketHandlers {
  /** Returns the ids of the streams that run on this node. */
  getStreamIds(): readonly string[];
  onStreamStop(stop: StreamStop): void;
  /** These streams ended while this node was disconnected. */
  onStreamsEnded(streamIds: readonly string[]): void;
  onEntitlementChanged(changed: EntitlementChanged): void;
  onError(action: string, error: unknown): void;
}

interface Refusal {
  readonly code?: string;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

interface StreamsResponse {
  readonly ok: boolean;
  /** The ids of the streams that must stop. */
  readonly stop?: string[];
  readonly error?: Refusal;
}

/** This many stream ids fit into a frame of 16 KiB. */
const STREAM_IDS_PER_REQUEST = 400;
const RETRY_MS = 2_000;
/** A refusal that is not retryable is retried too, because an operator may repair the key meanwhile. */
const REFUSED_RETRY_MS = 30_000;

/** The connection on which Usher sends stops. Without it streams still end with their leases. */
export class EdgeSocket {
  private readonly socket: Socket;
  private retryTimer: NodeJS.Timeout | undefined;

  constructor(
    { url, key, edgeId }: EdgeOptions,
    private readonly handlers: EdgeSocketHandlers,
  ) {
    this.socket = io(new URL('/edge', url).href, {
      transports: ['websocket'],
      auth: { key, edgeId },
      reconnectionDelay: 500,
      reconnectionDelayMax: 5_000,
      forceNew: true,
    });
    this.socket.on('connect', () => void this.catchUp());
    this.socket.on('stream.stop', (stop: StreamStop, acknowledge: () => void) => {
      handlers.onStreamStop(stop);
      acknowledge();
    });
    this.socket.on('entitlement.changed', (changed: EntitlementChanged, acknowledge: () => void) => {
      handlers.onEntitlementChanged(changed);
      acknowledge();
    });
    this.socket.on('connect_error', (error: Error & { data?: Refusal }) => this.handleConnectError(error));
    // Socket.IO does not reconnect by itself if the server closed the connection.
    this.socket.on('disconnect', (reason) => {
      if (reason === 'io server disconnect') this.reconnectAfter(RETRY_MS);
    });
  }

  get isConnected(): boolean {
    return this.socket.connected;
  }

  close(): void {
    clearTimeout(this.retryTimer);
    this.socket.disconnect();
  }

  /** Asks which of this node's streams ended while it was disconnected. */
  private async catchUp(): Promise<void> {
    const streamIds = this.handlers.getStreamIds();
    try {
      for (let start = 0; start < streamIds.length; start += STREAM_IDS_PER_REQUEST) {
        const request = { streamIds: streamIds.slice(start, start + STREAM_IDS_PER_REQUEST) };
        const response = (await this.socket
          .timeout(REQUEST_TIMEOUT_MS)
          .emitWithAck('streams', request)) as StreamsResponse;
        if (!response.ok) throw new Error(response.error?.code ?? 'refused');
        this.handlers.onStreamsEnded(response.stop ?? []);
      }
    } catch (error) {
      // Streams that ended are noticed with their next renewal.
      this.handlers.onError('asking which streams ended', error);
    }
  }

  private handleConnectError(error: Error & { data?: Refusal }): void {
    this.handlers.onError('connecting', error);
    if (this.socket.active) return; // Socket.IO reconnects by itself
    const { retryable, retryAfterMs } = error.data ?? {};
    this.reconnectAfter(retryable ? (retryAfterMs ?? RETRY_MS) : REFUSED_RETRY_MS);
  }

  private reconnectAfter(delayMs: number): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.socket.connect(), delayMs * (0.75 + Math.random() / 2));
  }
}
