import { MAX_RETRY_AFTER_MS } from './backoff.js';
import { UsherError } from './errors.js';
import type { AckPayload } from './socket-connection.js';
import type { Timers } from './timers.js';

/** A message to the server. */
export interface OutgoingMessage {
  /** Of the queued messages with the same key only the one with the greatest `order` is sent. */
  readonly coalesceKey: string;
  readonly name: string;
  readonly payload: unknown;
  readonly order: number;
  /** Returns the payload of both messages, or undefined if they cannot be sent as one. */
  readonly merge?: (payload: unknown, other: OutgoingMessage) => unknown;
}

interface QueuedMessage extends OutgoingMessage {
  readonly callers: readonly { resolve(response: AckPayload): void; reject(error: unknown): void }[];
  /** How often it was refused as `rate_limited`. */
  readonly refusals: number;
  /** It was refused together with others, and is sent alone now. */
  readonly isAlone: boolean;
  /** Counts the messages as they were given. */
  readonly sequence: number;
}

export interface OutboxOptions {
  readonly timers: Timers;
  isLive(): boolean;
  request(name: string, payload: unknown): Promise<AckPayload>;
}

/**
 * At most this many messages are sent in a window of a second, which leaves the server's limit (20 a second with bursts of 100;
 * docs/CONTRACT.md, "The device socket") room for syncs and token renewals.
 */
const MAX_MESSAGES_PER_WINDOW = 20;
const WINDOW_MS = 1_000;
const MAX_QUEUED = 1_000;
/** A message that was refused as `rate_limited` this often is sent once more, and then fails. */
const MAX_REFUSALS = 5;
const DEFAULT_PAUSE_MS = 1_000;

/**
 * Sends messages at a pace that the server accepts, and queues them meanwhile and while offline. Whoever sent a message that was
 * replaced by a newer one of the same key gets the newer one's response. A message that was in flight when the connection ended
 * is sent again. That is harmless: the server orders beats by their `at`, and receipts only move forward.
 */
export class Outbox {
  private readonly queue = new Map<string, QueuedMessage>();
  private closeReason: UsherError | undefined;
  private sentInWindow = 0;
  private isPaused = false;
  private messages = 0;

  constructor(private readonly options: OutboxOptions) {}

  /**
   * Returns the server's response, however long the device is offline. Rejects with the server's refusal, `timeout`, the close
   * reason, or `queue_full` if too many newer messages were sent meanwhile.
   */
  send(message: OutgoingMessage): Promise<AckPayload> {
    return new Promise((resolve, reject) => {
      this.enqueue({
        ...message,
        callers: [{ resolve, reject }],
        refusals: 0,
        isAlone: false,
        sequence: ++this.messages,
      });
      this.flush();
    });
  }

  /** Sends what is queued: now what the pace allows, and the rest later. */
  flush(): void {
    while (this.options.isLive() && !this.isPaused && this.sentInWindow < MAX_MESSAGES_PER_WINDOW) {
      const [first] = this.queue.values();
      if (!first) return;
      if (this.sentInWindow++ === 0) this.options.timers.set('outbox', WINDOW_MS, () => this.openWindow());
      void this.transmit(...this.takeBatch(first));
    }
  }

  /** Rejects everything that is queued. */
  discard(reason: UsherError): void {
    const messages = [...this.queue.values()];
    this.queue.clear();
    for (const message of messages) reject(message, reason);
  }

  /** Rejects everything that is queued, in flight, or sent from now on. */
  close(reason: UsherError): void {
    this.closeReason = reason;
    this.discard(reason);
  }

  private openWindow(): void {
    this.sentInWindow = 0;
    this.flush();
  }

  /** Takes the first message from the queue, and those that can be sent together with it. */
  private takeBatch(first: QueuedMessage): [payload: unknown, messages: QueuedMessage[]] {
    const messages = [first];
    this.queue.delete(first.coalesceKey);
    let { payload } = first;
    for (const other of this.queue.values()) {
      const merged = first.isAlone || other.isAlone ? undefined : first.merge?.(payload, other);
      if (merged === undefined) continue;
      payload = merged;
      messages.push(other);
      this.queue.delete(other.coalesceKey);
    }
    return [payload, messages];
  }

  private async transmit(payload: unknown, messages: readonly QueuedMessage[]): Promise<void> {
    try {
      const response = await this.options.request(messages[0]?.name ?? '', payload);
      for (const { callers } of messages) for (const caller of callers) caller.resolve(response);
    } catch (error) {
      this.handleFailure(messages, error);
    }
  }

  private handleFailure(messages: readonly QueuedMessage[], error: unknown): void {
    const { code, retryable, retryAfterMs } =
      error instanceof UsherError ? error : new UsherError('protocol', String(error), false);
    if (code === 'offline') this.requeue(messages);
    else if (code === 'rate_limited') this.handleRateLimit(messages, error, retryAfterMs);
    else if (!retryable && messages.length > 1) this.sendOneByOne(messages);
    else for (const message of messages) reject(message, error);
  }

  private handleRateLimit(messages: readonly QueuedMessage[], error: unknown, retryAfterMs?: number): void {
    const isLast = ({ refusals }: QueuedMessage) => refusals >= MAX_REFUSALS;
    for (const message of messages.filter(isLast)) reject(message, error);
    const others = messages.filter((message) => !isLast(message));
    this.requeue(others, ({ refusals }) => ({ refusals: refusals + 1 }));
    this.isPaused = true;
    const pauseMs = Math.min(MAX_RETRY_AFTER_MS, Math.max(0, retryAfterMs ?? DEFAULT_PAUSE_MS));
    this.options.timers.set('outbox pause', pauseMs, () => {
      this.isPaused = false;
      this.flush();
    });
  }

  /** One of them was refused, and nobody knows which. */
  private sendOneByOne(messages: readonly QueuedMessage[]): void {
    this.requeue(messages, () => ({ isAlone: true }));
    this.flush();
  }

  /** Puts messages back to where they were among the others. */
  private requeue(
    messages: readonly QueuedMessage[],
    change: (message: QueuedMessage) => Partial<QueuedMessage> = () => ({}),
  ): void {
    for (const message of messages) this.enqueue({ ...message, ...change(message) });
    const inOrder = [...this.queue].sort(([, a], [, b]) => a.sequence - b.sequence);
    this.queue.clear();
    for (const [key, message] of inOrder) this.queue.set(key, message);
  }

  private enqueue(message: QueuedMessage): void {
    if (this.closeReason) return reject(message, this.closeReason);
    const queued = this.queue.get(message.coalesceKey);
    const newest = queued && queued.order > message.order ? queued : message;
    const callers = [...(queued?.callers ?? []), ...message.callers];
    const sequence = Math.min(message.sequence, queued?.sequence ?? Infinity);
    this.queue.set(message.coalesceKey, { ...newest, callers, sequence });
    const [oldest] = this.queue.values();
    if (!oldest || this.queue.size <= MAX_QUEUED) return;
    this.queue.delete(oldest.coalesceKey);
    reject(oldest, new UsherError('queue_full', 'too many newer messages wait to be sent', true));
  }
}

function reject(message: QueuedMessage, error: unknown): void {
  for (const caller of message.callers) caller.reject(error);
}
