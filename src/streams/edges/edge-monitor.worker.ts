import { Injectable } from '@nestjs/common';
import { ServiceKeysService } from '../../platform/auth/service-keys/service-keys.service.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { EdgeRegistryService } from './edge-registry.service.js';

/** A revoked key must lose its connections within two seconds; a stop that Redis lost must be sent within one. */
const EVERY_MS = 500;

/**
 * Twice a second: closes the connections of revoked keys, and sends the connected edge nodes the notices that
 * PostgreSQL has for them.
 */
@Injectable()
export class EdgeMonitorWorker extends PeriodicWorker {
  constructor(
    private readonly edges: EdgeRegistryService,
    private readonly keys: ServiceKeysService,
  ) {
    super({ log: 'edges', everyMs: EVERY_MS });
  }

  protected async runOnce(): Promise<void> {
    const connections = this.edges.connected;
    if (connections.length === 0) return;
    const valid = await this.keys.filterValid([...new Set(connections.map(({ keyId }) => keyId))]);
    for (const connection of connections) if (!valid.has(connection.keyId)) connection.close();
    await this.edges.catchUp([...new Set(connections.map(({ edgeId }) => edgeId))]);
  }
}
