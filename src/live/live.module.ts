import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { BroadcastsModule } from '../broadcasts/broadcasts.module.js';
import { ClusterModule } from '../cluster/cluster.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { AdmissionService } from './admission/admission.service.js';
import { CatchUpService } from './admission/catch-up.service.js';
import { ConnectionLimiterService } from './admission/connection-limiter.service.js';
import { HandshakeService } from './admission/handshake.service.js';
import { HistorySenderService } from './admission/history-sender.service.js';
import { HistoryService } from './admission/history.service.js';
import { BroadcastDeliveryService } from './broadcasts/broadcast-delivery.service.js';
import { AcknowledgementsService } from './connection/acknowledgements.service.js';
import { CommandDispatcherService } from './connection/command-dispatcher.service.js';
import { ConnectionRegistryService } from './connection/connection-registry.service.js';
import { LocalDeliveryService } from './delivery/local-delivery.service.js';
import { ConnectionTimersWorker } from './maintenance/connection-timers.worker.js';
import { DisconnectService } from './maintenance/disconnect.service.js';
import { DrainService } from './maintenance/drain.service.js';
import { GapFillerService } from './maintenance/gap-filler.service.js';
import { LoadSheddingWorker } from './maintenance/load-shedding.worker.js';
import { NodePresenceService } from './maintenance/node-presence.service.js';
import { NodeRegistrationService } from './maintenance/node-registration.service.js';
import { DeliveryMonitorService } from './monitoring/delivery-monitor.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { PacedDeliveryService } from './pacing/paced-delivery.service.js';
import { DeviceGateway } from './socketio/device.gateway.js';
import { DirectDriver } from './socketio/direct/direct.driver.js';
import { SOCKET_DRIVER } from './socketio/socket-driver.js';
import { StockDriver } from './socketio/stock/stock.driver.js';
import { EventStreamController } from './sse/event-stream.controller.js';

/** The devices that are connected now, over Socket.IO or Server-Sent Events. */
@Module({
  imports: [BroadcastsModule, ClusterModule, DeliveryModule, DevicesModule, DiscoveryModule, MailboxModule],
  controllers: [EventStreamController],
  providers: [
    AcknowledgementsService,
    AdmissionService,
    BroadcastDeliveryService,
    CatchUpService,
    CommandDispatcherService,
    ConnectionLimiterService,
    ConnectionRegistryService,
    ConnectionTimersWorker,
    DeliveryMonitorService,
    DeviceGateway,
    DisconnectService,
    DrainService,
    GapFillerService,
    HandshakeService,
    HistorySenderService,
    HistoryService,
    LoadSheddingWorker,
    LocalDeliveryService,
    NodePresenceService,
    NodeRegistrationService,
    PacedDeliveryService,
    {
      provide: SOCKET_DRIVER,
      inject: [CONFIG],
      useFactory: ({ SOCKETS }: Config) => (SOCKETS === 'stock' ? new StockDriver() : new DirectDriver()),
    },
  ],
})
export class LiveModule {}
