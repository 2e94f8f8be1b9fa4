import { UsherError } from './errors.js';
import type { Answer } from './line.js';

/** Something to tell the server. Of two with the same slot that wait, the one with the greater `order` is sent. */
export interface Outgoing {
  readonly slot: string;
  readonly name: string;
  readonly payload: unknown;
  readonly order: number;
}

interface Waiting extends Outgoing {
  readonly callers: readonly { resolve(answer: Answer): void; reject(error: unknown): void }[];
}

export interface OutboxPort {
  isLive(): boolean;
  request(name: string, payload: unknown): Promise<Answer>;
}

/**
 * What goes out. While offline only the newest of a slot is kept, and sent on return; whoever waits for one that was
 * replaced gets the newer one's answer. What was under way when the line ended is sent again, which is harmless:
 * beats are ordered by their `at`, and receipts only move forward.
 */
export class Outbox {
  private readonly kept = new Map<string, Waiting>();
  private closed: UsherError | undefined;

  constructor(private readonly port: OutboxPort) {}

  put(outgoing: Outgoing): Promise<Answer> {
    return new Promise((resolve, reject) => void this.send({ ...outgoing, callers: [{ resolve, reject }] }));
  }

  /** The line is back. */
  flush(): void {
    const waiting = [...this.kept.values()];
    this.kept.clear();
    for (const each of waiting) void this.send(each);
  }

  close(why: UsherError): void {
    this.closed = why;
    this.discard(why);
  }

  /** Fails all that waits. */
  discard(why: UsherError): void {
    for (const each of this.kept.values()) fail(each, why);
    this.kept.clear();
  }

  private async send(item: Waiting): Promise<void> {
    if (this.closed) return fail(item, this.closed);
    if (!this.port.isLive()) return this.keep(item);
    try {
      const answer = await this.port.request(item.name, item.payload);
      for (const caller of item.callers) caller.resolve(answer);
    } catch (error) {
      const lineEnded = error instanceof UsherError && error.code === 'offline';
      if (this.closed) fail(item, this.closed);
      else if (lineEnded) this.keep(item);
      else fail(item, error);
    }
  }

  private keep(item: Waiting): void {
    const other = this.kept.get(item.slot);
    const newest = other && other.order > item.order ? other : item;
    this.kept.set(item.slot, { ...newest, callers: [...(other?.callers ?? []), ...item.callers] });
  }
}

function fail(item: Waiting, error: unknown): void {
  for (const caller of item.callers) caller.reject(error);
}
