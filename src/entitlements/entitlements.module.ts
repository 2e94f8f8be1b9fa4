import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { MembershipModule } from '../membership/membership.module.js';
import { EdgeChannelStore } from '../streams/edges/edge-channel.store.js';
import { EdgeNoticeStore } from '../streams/edges/edge-notice.store.js';
import { EntitlementStore } from './entitlement.store.js';
import { EntitlementsController } from './entitlements.controller.js';
import { GraceService } from '../streams/leases/grace.service.js';
import { StreamCleanupWorker } from '../streams/stream-cleanup.worker.js';
import { LeaseKeyStore } from '../streams/lease-keys/lease-key.store.js';
import { LeaseKeysController } from '../streams/lease-keys/lease-keys.controller.js';
import { LeaseKeysService } from '../streams/lease-keys/lease-keys.service.js';
import { LeasesService } from '../streams/leases/leases.service.js';
import { OutageDetectorWorker } from '../streams/leases/outage-detector.worker.js';
import { LeaseRenewalService } from '../streams/leases/lease-renewal.service.js';
import { SlotRenewalService } from '../streams/leases/slot-renewal.service.js';
import { StopTriggersService } from '../streams/stop-triggers.service.js';
import { StreamStopperService } from '../streams/stream-stopper.service.js';
import { StreamStore } from '../streams/stream.store.js';
import { StreamsController, UserStreamsController } from '../streams/streams.controller.js';
import { StreamsService } from '../streams/streams.service.js';

@Module({
  imports: [MembershipModule, MailboxModule, DevicesModule],
  controllers: [EntitlementsController, StreamsController, UserStreamsController, LeaseKeysController],
  providers: [
    EdgeChannelStore,
    EdgeNoticeStore,
    EntitlementStore,
    GraceService,
    LeaseKeysService,
    LeaseKeyStore,
    LeaseRenewalService,
    LeasesService,
    OutageDetectorWorker,
    SlotRenewalService,
    StopTriggersService,
    StreamStopperService,
    StreamCleanupWorker,
    StreamsService,
    StreamStore,
  ],
  exports: [EdgeChannelStore, EdgeNoticeStore, SlotRenewalService],
})
export class EntitlementsModule {}
