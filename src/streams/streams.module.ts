import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { MembershipModule } from '../membership/membership.module.js';
import { EdgeChannelStore } from './edges/edge-channel.store.js';
import { EdgeNoticeStore } from './edges/edge-notice.store.js';
import { LeaseKeyStore } from './lease-keys/lease-key.store.js';
import { LeaseKeysController } from './lease-keys/lease-keys.controller.js';
import { LeaseSignerService } from './lease-keys/lease-signer.service.js';
import { GraceService } from './leases/grace.service.js';
import { LeaseIssuerService } from './leases/lease-issuer.service.js';
import { LeaseRenewalService } from './leases/lease-renewal.service.js';
import { OutageDetectorWorker } from './leases/outage-detector.worker.js';
import { SlotRenewalService } from './leases/slot-renewal.service.js';
import { StopTriggersService } from './stop-triggers.service.js';
import { StreamStopperService } from './stream-stopper.service.js';
import { StreamStore } from './stream.store.js';
import { StreamsController, UserStreamsController } from './streams.controller.js';
import { StreamsService } from './streams.service.js';

/** Concurrent streams: their slots and leases, and the notices for edge nodes. EdgeModule adds the sockets of edge nodes. */
@Module({
  imports: [MailboxModule, MembershipModule],
  controllers: [LeaseKeysController, StreamsController, UserStreamsController],
  providers: [
    EdgeChannelStore,
    EdgeNoticeStore,
    GraceService,
    LeaseKeyStore,
    LeaseSignerService,
    LeaseIssuerService,
    LeaseRenewalService,
    OutageDetectorWorker,
    SlotRenewalService,
    StopTriggersService,
    StreamStopperService,
    StreamStore,
    StreamsService,
  ],
  exports: [EdgeNoticeStore, SlotRenewalService],
})
export class StreamsModule {}
