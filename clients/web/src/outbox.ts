import { UsherError } from './errors.js';
import type { AckPayload } from './socket-connection.js';

/** A message to the server. */
export interface OutgoingMessage {
  /** Of the queued messages with the same key only the one with the greatest `order` is sent. */
  readonly coalesceKey: string;
  readonly name: string;
  readonly payload: unknown;
  readonly order: number;
}

interface QueuedMessage extends OutgoingMessage {
  readonly callers: readonly { resolve(response: AckPayload): void; reject(error: unknown): void }[];
}

export interface OutboxOptions {
  isLive(): boolean;
  request(name: string, payload: unknown): Promise<AckPayload>;
}

/**
 * Sends messages, and queues them while offline. Whoever sent a message that was replaced by a newer one of the same key gets
 * the newer one's response. A message that was in flight when the connection ended is sent again. That is harmless: the server
 * orders beats by their `at`, and receipts only move forward.
 */
export class Outbox {
  private readonly queue = new Map<string, QueuedMessage>();
  private closeReason: UsherError | undefined;

  constructor(private readonly options: OutboxOptions) {}

  /** Returns the server's response, however long the device is offline. Rejects with the server's refusal or the close reason. */
  send(message: OutgoingMessage): Promise<AckPayload> {
    return new Promise(
      (resolve, reject) => void this.transmit({ ...message, callers: [{ resolve, reject }] }),
    );
  }

  /** Sends everything that is queued. */
  flush(): void {
    const messages = [...this.queue.values()];
    this.queue.clear();
    for (const message of messages) void this.transmit(message);
  }

  /** Rejects everything that is queued. */
  discard(reason: UsherError): void {
    for (const message of this.queue.values()) reject(message, reason);
    this.queue.clear();
  }

  /** Rejects everything that is queued, in flight, or sent from now on. */
  close(reason: UsherError): void {
    this.closeReason = reason;
    this.discard(reason);
  }

  private async transmit(message: QueuedMessage): Promise<void> {
    if (this.closeReason) return reject(message, this.closeReason);
    if (!this.options.isLive()) return this.enqueue(message);
    try {
      const response = await this.options.request(message.name, message.payload);
      for (const caller of message.callers) caller.resolve(response);
    } catch (error) {
      const isConnectionLost = error instanceof UsherError && error.code === 'offline';
      if (this.closeReason) reject(message, this.closeReason);
      else if (isConnectionLost) this.enqueue(message);
      else reject(message, error);
    }
  }

  private enqueue(message: QueuedMessage): void {
    const queued = this.queue.get(message.coalesceKey);
    const newest = queued && queued.order > message.order ? queued : message;
    const callers = [...(queued?.callers ?? []), ...message.callers];
    this.queue.set(message.coalesceKey, { ...newest, callers });
  }
}

function reject(message: QueuedMessage, error: unknown): void {
  for (const caller of message.callers) caller.reject(error);
}
