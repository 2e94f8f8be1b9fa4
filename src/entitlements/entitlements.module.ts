import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { MembershipModule } from '../membership/membership.module.js';
import { EdgeChannel } from './edge-channel.store.js';
import { EdgeNoticeStore } from './edge-notice.store.js';
import { EntitlementStore } from './entitlement.store.js';
import { EntitlementsController } from './entitlements.controller.js';
import { Grace } from './grace.service.js';
import { StreamHousekeeping } from './housekeeping.worker.js';
import { LeaseKeyStore } from './lease-key.store.js';
import { LeaseKeysController } from './lease-keys.controller.js';
import { LeaseKeys } from './lease-keys.service.js';
import { Leases } from './leases.service.js';
import { OutageWatch } from './outage.worker.js';
import { LeaseRenewal } from './renewal.service.js';
import { Renewals } from './renewals.service.js';
import { StopCauses } from './stop-causes.service.js';
import { Stops } from './stops.service.js';
import { StreamStore } from './stream.store.js';
import { StreamsController, UserStreamsController } from './streams.controller.js';
import { Streams } from './streams.service.js';

@Module({
  imports: [MembershipModule, MailboxModule, DevicesModule],
  controllers: [EntitlementsController, StreamsController, UserStreamsController, LeaseKeysController],
  providers: [
    EdgeChannel,
    EdgeNoticeStore,
    EntitlementStore,
    Grace,
    LeaseKeys,
    LeaseKeyStore,
    LeaseRenewal,
    Leases,
    OutageWatch,
    Renewals,
    StopCauses,
    Stops,
    StreamHousekeeping,
    Streams,
    StreamStore,
  ],
  exports: [EdgeChannel, EdgeNoticeStore, Renewals],
})
export class EntitlementsModule {}
