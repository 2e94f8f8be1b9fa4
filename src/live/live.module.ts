import { Module } from '@nestjs/common';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { Admission } from './admission.service.js';
import { Arrivals } from './arrivals.service.js';
import { Door } from './door.service.js';
import { Drain } from './drain.service.js';
import { Endings } from './endings.service.js';
import { EventStreamController } from './event-stream.controller.js';
import { Fleet } from './fleet.service.js';
import { Handshake } from './handshake.service.js';
import { LiveChannel } from './live.channel.js';
import { Lifetimes } from './lifetimes.worker.js';
import { LiveGateway } from './live.gateway.js';
import { Relief } from './relief.worker.js';
import { SyncCommand, TokenRefreshCommand } from './session.service.js';

@Module({
  imports: [DeliveryModule, DevicesModule, MailboxModule],
  controllers: [EventStreamController],
  providers: [
    Admission,
    Arrivals,
    Door,
    Drain,
    Endings,
    Fleet,
    Handshake,
    LiveChannel,
    LiveGateway,
    SyncCommand,
    TokenRefreshCommand,
    Lifetimes,
    Relief,
  ],
  exports: [LiveChannel, LiveGateway, SyncCommand, TokenRefreshCommand],
})
export class LiveModule {}
