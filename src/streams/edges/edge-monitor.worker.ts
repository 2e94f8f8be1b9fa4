import { Injectable } from '@nestjs/common';
import { ServiceKeysService } from '../../platform/auth/service-keys/service-keys.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { EdgeRegistryService } from './edge-registry.service.js';

/** A revoked key must end its sockets within two seconds; a stop that Redis lost must still come within one. */
const EVERY_MS = 500;

/** Looks again and again what PostgreSQL keeps for the edge nodes that are connected here, and whether they may still be. */
@Injectable()
export class EdgeMonitorWorker extends PeriodicWorker {
  constructor(
    private readonly edges: EdgeRegistryService,
    private readonly keys: ServiceKeysService,
  ) {
    super({ log: 'edges', everyMs: EVERY_MS });
  }

  protected async runOnce(): Promise<void> {
    const lines = this.edges.connected;
    if (lines.length === 0) return;
    const valid = await this.keys.filterValid([...new Set(lines.map(({ keyId }) => keyId))]);
    for (const line of lines) if (!valid.has(line.keyId)) line.close();
    await this.edges.catchUp([...new Set(lines.map(({ edgeId }) => edgeId))]);
  }
}
