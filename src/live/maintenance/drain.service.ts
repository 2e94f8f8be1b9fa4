import { setTimeout as pause } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { Connection } from '../connection/connection.js';
import { LocalDeliveryService } from '../connection/local-delivery.service.js';

const STEP_MS = 250;
/** The last share of the time is for devices to leave by themselves. */
const TELLING_SHARE = 0.8;

/**
 * SIGTERM: devices are sent elsewhere a few at a time, each with its own time to come back, so that no other node meets
 * them all at once. Ends early when everyone is gone.
 */
@Injectable()
export class DrainService implements BeforeApplicationShutdown {
  constructor(
    private readonly channel: LocalDeliveryService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    const { connections: rooms } = this.channel;
    const drainMs = this.config.DRAIN_SECONDS * 1_000;
    const steps = Math.max(1, Math.floor((drainMs * TELLING_SHARE) / STEP_MS));
    const waiting = [...rooms.all()];
    const perStep = Math.ceil(waiting.length / steps);
    const until = Date.now() + drainMs;
    while (rooms.size > 0 && Date.now() < until) {
      for (const connection of waiting.splice(0, perStep)) this.goAway(connection, drainMs);
      await pause(Math.min(STEP_MS, Math.max(0, until - Date.now())));
    }
    for (const connection of waiting) this.goAway(connection, drainMs);
  }

  private goAway(connection: Connection, spreadMs: number): void {
    connection.sendGoaway('drain', 500 + Math.random() * spreadMs);
  }
}
