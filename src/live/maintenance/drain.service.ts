import { setTimeout as pause } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import type { Connection } from '../connection/connection.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';

const STEP_MS = 250;
/** Of DRAIN_SECONDS, the share in which devices are asked to leave; the rest is for the last of them to do so. */
const ASKING_SHARE = 0.8;
/** Devices reconnect at the earliest after this, at the latest DRAIN_SECONDS later. */
const RETRY_MIN_MS = 500;

/**
 * At SIGTERM sends the devices to other nodes, a few at a time and each with its own time to reconnect, so that no node
 * gets them all at once. Ends early when every device has left.
 */
@Injectable()
export class DrainService implements BeforeApplicationShutdown {
  constructor(
    private readonly connections: ConnectionRegistryService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    const drainMs = this.config.DRAIN_SECONDS * 1_000;
    const steps = Math.max(1, Math.floor((drainMs * ASKING_SHARE) / STEP_MS));
    const waiting = [...this.connections.all()];
    const perStep = Math.ceil(waiting.length / steps);
    const until = monotonicNow() + drainMs;
    while (this.connections.size > 0 && monotonicNow() < until) {
      for (const connection of waiting.splice(0, perStep)) this.sendAway(connection, drainMs);
      await pause(Math.min(STEP_MS, Math.max(0, until - monotonicNow())));
    }
    for (const connection of waiting) this.sendAway(connection, drainMs);
  }

  private sendAway(connection: Connection, spreadMs: number): void {
    connection.sendGoaway('drain', RETRY_MIN_MS + Math.random() * spreadMs);
  }
}
