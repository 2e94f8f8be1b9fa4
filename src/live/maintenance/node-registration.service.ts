import { Injectable, type OnModuleInit } from '@nestjs/common';
import { NodeRegistryService } from '../../cluster/node-registry.service.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import { PacedDeliveryService } from '../pacing/paced-delivery.service.js';
import { DisconnectService } from './disconnect.service.js';
import { GapFillerService } from './gap-filler.service.js';

/** Registers this process in the cluster as a node that holds devices, before it accepts the first one. */
@Injectable()
export class NodeRegistrationService implements OnModuleInit {
  constructor(
    private readonly nodes: NodeRegistryService,
    private readonly connections: ConnectionRegistryService,
    private readonly delivery: PacedDeliveryService,
    private readonly disconnects: DisconnectService,
    private readonly gapFiller: GapFillerService,
  ) {}

  onModuleInit(): Promise<void> {
    return this.nodes.join({
      users: () => this.connections.users(),
      connectedDevices: (userId) => this.connections.of(userId).map(({ deviceId }) => deviceId),
      deliver: (events) => this.delivery.deliver(events),
      disconnect: (request) => this.disconnects.disconnect(request),
      markApplied: (report) => this.connections.markApplied(report),
      describeConnections: (userId) => this.connections.of(userId).map((connection) => connection.describe()),
      refreshBroadcasts: () => this.gapFiller.readBroadcasts(),
      fillGaps: (userIds) => this.gapFiller.fill(userIds),
    });
  }
}
