import { Inject, Injectable } from '@nestjs/common';
import { Receipts } from '../delivery/receipts.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Repeated } from '../platform/repeated.js';
import type { Connection } from './connection.js';
import { isDurable } from './frame.js';
import { LiveChannel } from './live.channel.js';
import { backlogAfter, paceOf } from './reading.js';

const EVERY_MS = 1_000;
/** A changed plan may take a device this many times as long to apply as to acknowledge. */
const APPLY_PATIENCE = 6;
/** When the device is asked for a newer token, and how long after expiry its answer may still be under way. */
const WARN_MS = 60_000;
const LATE_MS = 2_000;
/** A recycled device comes back within this time, spread; one that ignores the request is cut off some time later. */
const RECYCLE_SPREAD_MS = 5_000;
const RECYCLE_PATIENCE_MS = 15_000;
/** A slow device must first read what was written to it, to hear that it should leave. */
const SLOW_SPREAD_MS = 2_000;
const SLOW_PATIENCE_MS = 10_000;

/** What happens to a live connection as time goes by: reminders, a newer token, a new home. */
@Injectable()
export class Lifetimes extends Repeated {
  constructor(
    private readonly channel: LiveChannel,
    private readonly receipts: Receipts,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    super({ log: 'live', everyMs: EVERY_MS });
  }

  protected turn(): void {
    const now = Date.now();
    for (const connection of [...this.channel.rooms.all()]) {
      if (connection.owes > 0) this.remind(connection, now);
      connection.insist(APPLY_PATIENCE * this.config.ACK_TIMEOUT_SECONDS * 1_000, now);
      this.expire(connection, now);
      this.watchReading(connection, now);
      this.sendAway(connection, now);
    }
  }

  /** A device that reads but does not acknowledge is told once more, then left to its next connection. */
  private remind(connection: Connection, now: number): void {
    const { line, debts } = connection;
    // What it has not even read, it need not be told again.
    if (!line || !debts || line.buffered > 0) return;
    for (const { heading } of debts.remind(line, this.config.ACK_TIMEOUT_SECONDS * 1_000, now)) {
      if (isDurable(heading)) this.receipts.note(connection, heading, 'sent');
    }
  }

  /** A token that was good at the handshake must not hold a socket open for ever. */
  private expire(connection: Connection, now: number): void {
    const { expiresAt, line } = connection;
    if (now > expiresAt + LATE_MS) line?.disconnect();
    else if (now > expiresAt - WARN_MS && !connection.warnedOfExpiry) {
      connection.warnedOfExpiry = true;
      line?.emit('token.expiring', { expiresAt: new Date(expiresAt).toISOString() });
    }
  }

  /** Whoever stays far behind reads the present from the mailbox sooner than the past from here. */
  private watchReading(connection: Connection, now: number): void {
    const { line, backlog: before } = connection;
    if (!line || (line.buffered === 0 && !before)) return;
    const { buffered, taken } = line;
    connection.backlog = backlogAfter(before, { buffered, taken, now });
    const pace = paceOf(connection.backlog, now);
    if (pace === 'stuck') line.terminate();
    if (pace === 'slow' && connection.leavesBy === undefined) {
      this.channel.countSlow();
      connection.sendAway('slow', spread(SLOW_SPREAD_MS), now + SLOW_PATIENCE_MS);
    }
  }

  private sendAway(connection: Connection, now: number): void {
    const { recycleAt, leavesBy, line } = connection;
    if (leavesBy === undefined && now > recycleAt)
      connection.sendAway('recycle', spread(RECYCLE_SPREAD_MS), now + RECYCLE_PATIENCE_MS);
    else if (leavesBy !== undefined && now > leavesBy) line?.terminate();
  }
}

const spread = (ms: number): number => Math.random() * ms;
