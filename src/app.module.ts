import { type DynamicModule, Global, Module } from '@nestjs/common';
import { SENT_EVENT_LOOKUP } from './delivery/receipts/receipt.js';
import { capturedTables } from './captured-tables.js';
import { AudiencesModule } from './audiences/audiences.module.js';
import { BroadcastLogWorker } from './broadcasts/broadcast-log.worker.js';
import { BroadcastsModule } from './broadcasts/broadcasts.module.js';
import { CAMPAIGN_OUTCOMES, type CampaignOutcomes } from './campaigns/campaign-outcomes.js';
import { isCampaign } from './campaigns/campaign.fragments.js';
import { CampaignsModule } from './campaigns/campaigns.module.js';
import { GoalsService } from './campaigns/goals/goals.service.js';
import { SENDING_RATES } from './campaigns/preview/sending-rates.js';
import { ConsoleModule } from './console/console.module.js';
import { ContactsModule } from './contacts/contacts.module.js';
import { DeliveryModule } from './delivery/delivery.module.js';
import { PUSH_WITHDRAWAL } from './devices/addresses/push-withdrawal.js';
import { DevicesModule } from './devices/devices.module.js';
import { PLAYBACK_ACTIVITY } from './devices/playback-activity.js';
import { EngagementModule } from './engagement/engagement.module.js';
import { CAMPAIGN_NAMES } from './engagement/recording/campaign-names.js';
import { TrackingLinksService } from './engagement/tracking/tracking-links.service.js';
import { EntitlementsModule } from './entitlements/entitlements.module.js';
import { entitlementsState } from './entitlements/entitlements.state.js';
import { DigestsModule } from './digests/digests.module.js';
import { LiveModule } from './live/live.module.js';
import { APPEND_OBSERVER } from './mailbox/append-observer.js';
import { EVENTS_TO_EVERYONE } from './mailbox/events/events-to-everyone.js';
import { EVENT_MESSAGES } from './mailbox/events/event-messages.js';
import { DERIVED_EVENT_DATA } from './mailbox/events/derived-data.js';
import { MailboxModule } from './mailbox/mailbox.module.js';
import { STATE_PARTS } from './mailbox/state/state.js';
import { MembershipModule } from './membership/membership.module.js';
import { EventMessagesService } from './messages/event-messages.service.js';
import { MessageStore } from './messages/queue/message.store.js';
import { MessagesModule } from './messages/messages.module.js';
import { MAIL_TRACKING } from './messages/sending/mail-tracking.js';
import { OperationsModule } from './operations/operations.module.js';
import { SendingRatesService } from './operations/sending-rates.service.js';
import { CONFIG, type Config } from './platform/config/config.js';
import { PlatformModule } from './platform/platform.module.js';
import { RetentionModule } from './platform/retention/retention.module.js';
import { RETENTION_RULES } from './platform/retention/retention-rule.js';
import { USER_ERASURES } from './platform/retention/user-erasure.js';
import { CAPTURED_TABLES } from './platform/warehouse/captured-table.js';
import { PlaybackActivityStore } from './playback/playback-activity.store.js';
import { PlaybackModule } from './playback/playback.module.js';
import { playbackState } from './playback/playback.state.js';
import { PushModule } from './push/push.module.js';
import { pushWithdrawal } from './push/queue/push.fragments.js';
import { PushStore } from './push/queue/push.store.js';
import { frontPageData } from './recommendations/front-page-event.js';
import { RecommendationsModule } from './recommendations/recommendations.module.js';
import { recommendationsState } from './recommendations/recommendations.state.js';
import { EdgeModule } from './streams/edges/edge.module.js';
import { StreamsModule } from './streams/streams.module.js';
import { retentionRules, userErasures } from './retention-and-erasure.js';
import { SupportModule } from './support/support.module.js';
import { TemplatesModule } from './templates/templates.module.js';
import { TimelineModule } from './timeline/timeline.module.js';
import { WarehouseModule } from './warehouse/warehouse.module.js';

/** Binds the interfaces that lower folders declare to what implements them in folders that they may not import. */
@Global()
@Module({
  imports: [
    BroadcastsModule,
    CampaignsModule,
    EngagementModule,
    MessagesModule,
    OperationsModule,
    PlaybackModule,
    PushModule,
  ],
  providers: [
    { provide: STATE_PARTS, useValue: [entitlementsState, playbackState, recommendationsState] },
    { provide: DERIVED_EVENT_DATA, useValue: [frontPageData] },
    {
      provide: RETENTION_RULES,
      useFactory: retentionRules,
      inject: [CONFIG],
    },
    { provide: USER_ERASURES, useValue: userErasures },
    { provide: CAPTURED_TABLES, useValue: capturedTables },
    { provide: PLAYBACK_ACTIVITY, useExisting: PlaybackActivityStore },
    { provide: PUSH_WITHDRAWAL, useValue: pushWithdrawal },
    { provide: SENT_EVENT_LOOKUP, useExisting: PushStore },
    { provide: MAIL_TRACKING, useExisting: TrackingLinksService },
    { provide: EVENTS_TO_EVERYONE, useExisting: BroadcastLogWorker },
    { provide: EVENT_MESSAGES, useExisting: EventMessagesService },
    {
      provide: CAMPAIGN_OUTCOMES,
      useFactory: (...queues: CampaignOutcomes[]) => queues,
      inject: [MessageStore, PushStore],
    },
    { provide: CAMPAIGN_NAMES, useValue: { isCampaign } },
    { provide: SENDING_RATES, useExisting: SendingRatesService },
    { provide: APPEND_OBSERVER, useExisting: GoalsService },
  ],
  exports: [
    STATE_PARTS,
    DERIVED_EVENT_DATA,
    RETENTION_RULES,
    USER_ERASURES,
    CAPTURED_TABLES,
    PLAYBACK_ACTIVITY,
    PUSH_WITHDRAWAL,
    SENT_EVENT_LOOKUP,
    MAIL_TRACKING,
    EVENTS_TO_EVERYONE,
    EVENT_MESSAGES,
    CAMPAIGN_OUTCOMES,
    CAMPAIGN_NAMES,
    SENDING_RATES,
    APPEND_OBSERVER,
  ],
})
class PortsModule {}

/** All features and services of a node. Folders import each other only in the directions that .dependency-cruiser.cjs allows. */
@Module({})
export class AppModule {
  /** Returns the module for the roles in `config`. `demo`: the module of the demo page, which is never loaded in production. */
  static with(config: Config, demo?: DynamicModule): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(config),
        // Routes are tried in this order: those that are called thousands of times a second come first.
        DeliveryModule,
        StreamsModule,
        EntitlementsModule,
        RecommendationsModule,
        PortsModule,
        // Before the payment processors', whose route takes any name below /v1/webhooks.
        MessagesModule,
        MembershipModule,
        PlaybackModule,
        DevicesModule,
        ContactsModule,
        DigestsModule,
        AudiencesModule,
        CampaignsModule,
        TemplatesModule,
        BroadcastsModule,
        MailboxModule,
        PushModule,
        EngagementModule,
        TimelineModule,
        OperationsModule,
        SupportModule,
        RetentionModule,
        WarehouseModule,
        ...(config.ROLES.includes('gateway') ? [LiveModule, EdgeModule] : []),
        ...(config.CONSOLE === 'on' && config.ROLES.includes('api') ? [ConsoleModule] : []),
        ...(demo ? [demo] : []),
      ],
    };
  }
}
