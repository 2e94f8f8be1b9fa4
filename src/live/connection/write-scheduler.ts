import type { Connection } from './connection.js';
import { SLOW_BYTES, STUCK_BYTES } from './backpressure.js';

/**
 * How long a slice may write before other sockets, and with them critical events, get their turn. Under a backlog it takes
 * as long as everything else took since the last one, so that a flood at the doors cannot starve the writes.
 */
const SLICE_MIN_MS = 0.3;
const SLICE_MAX_MS = 1;
/** Looking at the clock costs as much as a small write: once every so many connections. */
const CHECK_EVERY = 8;
/** A device that owes more acks than this is not reading its events. */
const MAX_OWED = 2_000;

/**
 * The lanes in the sockets' write turn. Critical events are written at once; everything else waits for its device's next
 * turn, in slices between which the event loop reads its sockets.
 */
export class WriteScheduler {
  private queue: Connection[] = [];
  private head = 0;
  private immediate: NodeJS.Immediate | undefined;
  private lastEnd = 0;

  constructor(
    private readonly onStuck: (connection: Connection) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get waiting(): number {
    return this.queue.length - this.head;
  }

  /** The device has something that can wait for the next slice. */
  schedule(connection: Connection): void {
    if (connection.queued) return;
    connection.queued = true;
    this.queue.push(connection);
    this.immediate ??= setImmediate(this.slice);
  }

  /** The device has something critical: out with all its durable events, in order. */
  writeNow(connection: Connection): void {
    if (this.dropIfStuck(connection)) return;
    connection.flushDurable();
    if (connection.pending > 0) this.schedule(connection);
  }

  stop(): void {
    clearImmediate(this.immediate);
    this.immediate = undefined;
    this.queue = [];
    this.head = 0;
  }

  private readonly slice = (): void => {
    const start = this.now();
    const until = start + Math.min(Math.max(start - this.lastEnd, SLICE_MIN_MS), SLICE_MAX_MS);
    let written = 0;
    while (this.head < this.queue.length) {
      const connection = this.queue[this.head] as Connection;
      this.head += 1;
      connection.queued = false;
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
    // Shift rarely: half of a long queue at a time.
    if (this.head > 1_024 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    this.immediate = setImmediate(this.slice);
  };

  private write(connection: Connection): void {
    const { transport: line } = connection;
    if (!line) return;
    const { bufferedBytes: buffered } = line;
    if (buffered > STUCK_BYTES || connection.unacknowledged > MAX_OWED) this.onStuck(connection);
    else if (buffered > SLOW_BYTES) connection.flushDurable();
    else connection.flush();
  }

  private dropIfStuck(connection: Connection): boolean {
    const { transport: line } = connection;
    if (!line || (line.bufferedBytes <= STUCK_BYTES && connection.unacknowledged <= MAX_OWED)) return false;
    this.onStuck(connection);
    return true;
  }
}
