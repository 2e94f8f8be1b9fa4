import { Injectable } from '@nestjs/common';
import { NodeRegistryService } from '../../cluster/node-registry.service.js';
import { LoadMonitorWorker } from '../../platform/load/load-monitor.worker.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import type { Connection } from '../connection/connection.js';
import { LocalDeliveryService } from '../connection/local-delivery.service.js';

const EVERY_MS = 1_000;
/** Slower beats come first (overload.ts); what is still strained after this has too many devices. */
const PATIENCE_TURNS = 5;
/** Of its devices, each turn: a node that is relieved in time keeps most of them. */
const SHARE = 0.01;
/** They come back, elsewhere, within this time. */
const RETRY_MIN_MS = 2_000;
const RETRY_SPREAD_MS = 20_000;

/** A node that stays overloaded sends some of its devices to the others, which must not be met by all of them at once. */
@Injectable()
export class LoadSheddingWorker extends PeriodicWorker {
  private strainedTurns = 0;

  constructor(
    private readonly load: LoadMonitorWorker,
    private readonly nodes: NodeRegistryService,
    private readonly channel: LocalDeliveryService,
  ) {
    super({ log: 'live', everyMs: EVERY_MS });
  }

  protected runOnce(): void {
    this.strainedTurns = this.load.level === 4 ? this.strainedTurns + 1 : 0;
    // Alone, it would only meet them again, with a handshake each.
    if (this.strainedTurns < PATIENCE_TURNS || !this.nodes.others?.size) return;
    const few = this.firstOf(Math.ceil(this.channel.connections.size * SHARE));
    for (const connection of few)
      connection.sendGoaway('overload', RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS);
    if (few.length > 0) this.log.warn(`overloaded: ${few.length} devices are sent to other nodes`);
  }

  /** Those that are here longest, which would be recycled soon anyway; none that was asked before. */
  private firstOf(count: number): Connection[] {
    const few: Connection[] = [];
    for (const connection of this.channel.connections.all()) {
      if (few.length >= count) break;
      if (connection.leavesBy === undefined) few.push(connection);
    }
    return few;
  }
}
