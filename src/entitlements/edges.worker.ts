import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ServiceKeys } from '../platform/auth/service-keys.service.js';
import { Loop } from '../platform/loop.js';
import { Edges } from './edges.service.js';

/** A revoked key must end its sockets within two seconds; a stop that Redis lost must still come within one. */
const EVERY_MS = 500;

/** Looks again and again what PostgreSQL keeps for the edge nodes that are connected here, and whether they may still be. */
@Injectable()
export class EdgeWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('edges');
  private readonly loop = new Loop(
    EVERY_MS,
    () => this.look(),
    (error) => this.log.warn(`will try again: ${String(error)}`),
  );

  constructor(
    private readonly edges: Edges,
    private readonly keys: ServiceKeys,
  ) {}

  onApplicationBootstrap(): void {
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }

  private async look(): Promise<void> {
    const lines = this.edges.connected;
    if (lines.length === 0) return;
    const valid = await this.keys.stillValid([...new Set(lines.map(({ keyId }) => keyId))]);
    for (const line of lines) if (!valid.has(line.keyId)) line.close();
    await this.edges.catchUp([...new Set(lines.map(({ edgeId }) => edgeId))]);
  }
}
