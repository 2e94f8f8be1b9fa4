import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Receipts } from '../delivery/receipts.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Loop } from '../platform/loop.js';
import type { Connection } from './connection.js';
import { isDurable } from './frame.js';
import { LiveChannel } from './live.channel.js';

const EVERY_MS = 1_000;
/** When the device is asked for a newer token, and how long after expiry its answer may still be under way. */
const WARN_MS = 60_000;
const LATE_MS = 2_000;
/** A recycled device comes back within this time, spread; one that ignores the request is cut off some time later. */
const RECYCLE_SPREAD_MS = 5_000;
const RECYCLE_PATIENCE_MS = 15_000;

/** What happens to a live connection as time goes by: reminders, a newer token, a new home. */
@Injectable()
export class Lifetimes implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('live');
  private readonly loop = new Loop(
    EVERY_MS,
    async () => this.turn(Date.now()),
    (error) => this.log.error(error),
  );

  constructor(
    private readonly channel: LiveChannel,
    private readonly receipts: Receipts,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private turn(now: number): void {
    for (const connection of [...this.channel.rooms.all()]) {
      if (connection.owes > 0) this.remind(connection, now);
      this.expire(connection, now);
      this.recycle(connection, now);
    }
  }

  /** A device that reads but does not acknowledge is told once more, then left to its next connection. */
  private remind(connection: Connection, now: number): void {
    for (const { heading } of connection.remind(this.config.ACK_TIMEOUT_SECONDS * 1_000, now)) {
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

  private recycle(connection: Connection, now: number): void {
    const { recycleAt, line } = connection;
    if (now > recycleAt + RECYCLE_PATIENCE_MS) line?.terminate();
    else if (now > recycleAt && !connection.toldToGo) {
      connection.toldToGo = true;
      line?.emit('goaway', {
        reason: 'recycle',
        retryAfterMs: Math.round(Math.random() * RECYCLE_SPREAD_MS),
      });
    }
  }
}
