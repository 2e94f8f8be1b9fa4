import { Injectable } from '@nestjs/common';
import { NodeRegistryService } from '../../cluster/node-registry.service.js';
import { LoadMonitorWorker } from '../../platform/load/load-monitor.worker.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import type { Connection } from '../connection/connection.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';

const EVERY_MS = 1_000;
/** The highest load level. Devices send fewer heartbeats first; a node that stays at this level has too many devices. */
const OVERLOADED = 4;
/** Checks in a row at that level before devices are sent away. */
const CHECKS = 5;
/** Of its devices, at each check: a node that recovers meanwhile keeps most of them. */
const SHARE = 0.01;
/** The devices reconnect within this time, spread. */
const RETRY_MIN_MS = 2_000;
const RETRY_SPREAD_MS = 20_000;

/** Sends some of an overloaded node's devices to other nodes, few at a time so that these are not overloaded in turn. */
@Injectable()
export class LoadSheddingWorker extends PeriodicWorker {
  private overloadedChecks = 0;

  constructor(
    private readonly load: LoadMonitorWorker,
    private readonly nodes: NodeRegistryService,
    private readonly connections: ConnectionRegistryService,
  ) {
    super({ log: 'live', everyMs: EVERY_MS });
  }

  protected runOnce(): void {
    this.overloadedChecks = this.load.level === OVERLOADED ? this.overloadedChecks + 1 : 0;
    // The only node would get them back, with the cost of a handshake each.
    if (this.overloadedChecks < CHECKS || !this.nodes.others?.size) return;
    const excess = this.longestConnected(Math.ceil(this.connections.size * SHARE));
    for (const connection of excess)
      connection.sendGoaway('overload', RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS);
    if (excess.length > 0) this.log.warn(`overloaded: ${excess.length} devices are sent to other nodes`);
  }

  /** Those that would be recycled soonest anyway; none that was asked to leave before. */
  private longestConnected(count: number): Connection[] {
    const found: Connection[] = [];
    for (const connection of this.connections.all()) {
      if (found.length >= count) break;
      if (connection.leaveBy === undefined) found.push(connection);
    }
    return found;
  }
}
