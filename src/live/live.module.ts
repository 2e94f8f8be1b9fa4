import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ClusterModule } from '../cluster/cluster.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { AdmissionService } from './admission/admission.service.js';
import { CatchUpService } from './admission/catch-up.service.js';
import { ConnectionLimiterService } from './admission/connection-limiter.service.js';
import { DrainService } from './maintenance/drain.service.js';
import { ConnectionRevokerService } from './maintenance/connection-revoker.service.js';
import { EventStreamController } from './sse/event-stream.controller.js';
import { NodePresenceService } from './maintenance/node-presence.service.js';
import { HandshakeService } from './admission/handshake.service.js';
import { LocalDeliveryService } from './connection/local-delivery.service.js';
import { ConnectionTimersWorker } from './maintenance/connection-timers.worker.js';
import { DeviceGateway } from './socketio/device.gateway.js';
import { LoadSheddingWorker } from './maintenance/load-shedding.worker.js';
import { SyncCommand, TokenRefreshCommand } from './connection/session-commands.service.js';

@Module({
  imports: [ClusterModule, DeliveryModule, DevicesModule, DiscoveryModule, MailboxModule],
  controllers: [EventStreamController],
  providers: [
    AdmissionService,
    CatchUpService,
    ConnectionLimiterService,
    DrainService,
    ConnectionRevokerService,
    NodePresenceService,
    HandshakeService,
    LocalDeliveryService,
    DeviceGateway,
    SyncCommand,
    TokenRefreshCommand,
    ConnectionTimersWorker,
    LoadSheddingWorker,
  ],
})
export class LiveModule {}
