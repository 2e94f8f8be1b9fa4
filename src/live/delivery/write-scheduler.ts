import { HOLD_BYTES, HOLD_EVENTS, MAX_WAITING_BYTES, SLOW_BYTES } from '../connection/backpressure.js';
import type { Connection } from '../connection/connection.js';

/**
 * How long one slice writes before the event loop reads its sockets again, and with them the causes of critical events.
 * Under load a slice takes as long as everything else took since the last one, so that a flood of requests cannot starve
 * the writes.
 */
const SLICE_MIN_MS = 0.3;
const SLICE_MAX_MS = 1;
/** Reading the clock costs as much as a small write: once every so many connections. */
const CHECK_EVERY = 8;
/** A shorter queue is not worth moving to the front of its array. */
const COMPACT_FROM = 1_024;

/**
 * Decides when the frames that wait for a device are written. Critical events are written at once; everything else waits
 * for its device's next slice, between two of which the event loop runs.
 */
export class WriteScheduler {
  private queue: Connection[] = [];
  private head = 0;
  private immediate: NodeJS.Immediate | undefined;
  private lastEnd = 0;

  /** `onStuck` is called in place of a write when more waits for a device than may: its connection must be terminated. */
  constructor(
    private readonly onStuck: (connection: Connection) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** How many devices wait for a slice. */
  get waiting(): number {
    return this.queue.length - this.head;
  }

  /** Writes what waits for the device in one of the next slices. */
  schedule(connection: Connection): void {
    if (connection.isScheduled) return;
    connection.isScheduled = true;
    this.queue.push(connection);
    this.immediate ??= setImmediate(this.runSlice);
  }

  /** Writes the device's durable events at once, in order; its routine events and responses follow in a slice. */
  writeNow(connection: Connection): void {
    if (!this.mayWrite(connection)) return;
    connection.flushDurable();
    if (connection.outbound.size > 0) this.schedule(connection);
  }

  /** Drops what is scheduled. Idempotent. */
  stop(): void {
    clearImmediate(this.immediate);
    this.immediate = undefined;
    this.queue = [];
    this.head = 0;
  }

  private readonly runSlice = (): void => {
    const start = this.now();
    const until = start + Math.min(Math.max(start - this.lastEnd, SLICE_MIN_MS), SLICE_MAX_MS);
    let written = 0;
    while (this.head < this.queue.length) {
      const connection = this.queue[this.head] as Connection;
      this.head += 1;
      connection.isScheduled = false;
      this.write(connection);
      written += 1;
      if (written % CHECK_EVERY === 0 && this.now() >= until) break;
    }
    this.lastEnd = this.now();
    if (this.head === this.queue.length) {
      this.queue = [];
      this.head = 0;
      this.immediate = undefined;
      return;
    }
    // Seldom, since it copies: half of a long queue at a time.
    if (this.head > COMPACT_FROM && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    this.immediate = setImmediate(this.runSlice);
  };

  private write(connection: Connection): void {
    if (!this.mayWrite(connection)) return;
    if ((connection.transport?.bufferedBytes ?? 0) > SLOW_BYTES) connection.flushDurable();
    else connection.flush();
  }

  /**
   * Whether the device has read enough of what was written before. What was written a moment ago says nothing about a device:
   * what follows waits until it has read that, and only a device for which too much waits is terminated.
   */
  private mayWrite(connection: Connection): boolean {
    const { transport, outbound, unacknowledged } = connection;
    if (!transport) return false;
    if (transport.bufferedBytes <= HOLD_BYTES && unacknowledged <= HOLD_EVENTS) return true;
    if (outbound.waitingBytes > MAX_WAITING_BYTES) this.onStuck(connection);
    return false;
  }
}
