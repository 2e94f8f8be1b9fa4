import { Inject, Injectable } from '@nestjs/common';
import { ReceiptsService } from '../../delivery/receipts/receipts.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import type { Connection } from '../connection/connection.js';
import { isDurableHeader } from '../connection/frame.js';
import { LocalDeliveryService } from '../connection/local-delivery.service.js';
import { updateBackpressure, readState } from '../connection/backpressure.js';

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
export class ConnectionTimersWorker extends PeriodicWorker {
  constructor(
    private readonly channel: LocalDeliveryService,
    private readonly receipts: ReceiptsService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    super({ log: 'live', everyMs: EVERY_MS });
  }

  protected runOnce(): void {
    const now = Date.now();
    for (const connection of [...this.channel.connections.all()]) {
      if (connection.unacknowledged > 0) this.resendUnacknowledged(connection, now);
      connection.resendUnapplied(APPLY_PATIENCE * this.config.ACK_TIMEOUT_SECONDS * 1_000, now);
      this.expire(connection, now);
      this.checkBackpressure(connection, now);
      this.recycle(connection, now);
    }
  }

  /** A device that reads but does not acknowledge is told once more, then left to its next connection. */
  private resendUnacknowledged(connection: Connection, now: number): void {
    const { transport: line, acks: debts } = connection;
    // What it has not even read, it need not be told again.
    if (!line || !debts || line.bufferedBytes > 0) return;
    for (const { heading } of debts.resendDue(line, this.config.ACK_TIMEOUT_SECONDS * 1_000, now)) {
      if (isDurableHeader(heading)) this.receipts.record(connection, heading, 'sent');
    }
  }

  /** A token that was good at the handshake must not hold a socket open for ever. */
  private expire(connection: Connection, now: number): void {
    const { expiresAt, transport: line } = connection;
    if (now > expiresAt + LATE_MS) line?.disconnect();
    else if (now > expiresAt - WARN_MS && !connection.warnedOfExpiry) {
      connection.warnedOfExpiry = true;
      line?.emit('token.expiring', { expiresAt: new Date(expiresAt).toISOString() });
    }
  }

  /** Whoever stays far behind reads the present from the mailbox sooner than the past from here. */
  private checkBackpressure(connection: Connection, now: number): void {
    const { transport: line, backpressure: before } = connection;
    if (!line || (line.bufferedBytes === 0 && !before)) return;
    const { bufferedBytes: buffered, sentBytes: taken } = line;
    connection.backpressure = updateBackpressure(before, { bufferedBytes: buffered, sentBytes: taken, now });
    const pace = readState(connection.backpressure, now);
    if (pace === 'stuck') line.terminate();
    if (pace === 'slow' && connection.leavesBy === undefined) {
      this.channel.countSlow();
      connection.sendGoaway('slow', spread(SLOW_SPREAD_MS), now + SLOW_PATIENCE_MS);
    }
  }

  private recycle(connection: Connection, now: number): void {
    const { recycleAt, leavesBy, transport: line } = connection;
    if (leavesBy === undefined && now > recycleAt)
      connection.sendGoaway('recycle', spread(RECYCLE_SPREAD_MS), now + RECYCLE_PATIENCE_MS);
    else if (leavesBy !== undefined && now > leavesBy) line?.terminate();
  }
}

const spread = (ms: number): number => Math.random() * ms;
