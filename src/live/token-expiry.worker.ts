import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Loop } from '../platform/loop.js';
import { LiveChannel } from './live.channel.js';

const EVERY_MS = 1_000;
/** When the device is asked for a newer token, and how long after expiry its answer may still be under way. */
const WARN_MS = 60_000;
const LATE_MS = 2_000;

/** A token that was good at the handshake must not hold a socket open for ever. */
@Injectable()
export class TokenExpiry implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('live');
  private readonly loop = new Loop(
    EVERY_MS,
    async () => this.turn(Date.now()),
    (error) => this.log.error(error),
  );

  constructor(private readonly channel: LiveChannel) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private turn(now: number): void {
    for (const connection of [...this.channel.rooms.all()]) {
      const { expiresAt, line } = connection;
      if (now > expiresAt + LATE_MS) line?.disconnect();
      else if (now > expiresAt - WARN_MS && !connection.warnedOfExpiry) {
        connection.warnedOfExpiry = true;
        line?.emit('token.expiring', { expiresAt: new Date(expiresAt).toISOString() });
      }
    }
  }
}
