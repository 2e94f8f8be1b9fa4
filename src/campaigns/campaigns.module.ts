import { Module } from '@nestjs/common';
import { AudiencesModule } from '../audiences/audiences.module.js';
import { BroadcastsModule } from '../broadcasts/broadcasts.module.js';
import { ContactsModule } from '../contacts/contacts.module.js';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { TemplatesModule } from '../templates/templates.module.js';
import { CampaignActsController } from './definitions/campaign-acts.controller.js';
import { CampaignActsService } from './definitions/campaign-acts.service.js';
import { CampaignChecksService } from './definitions/campaign-checks.service.js';
import { CampaignCountsStore } from './definitions/campaign-counts.store.js';
import { CampaignStore } from './definitions/campaign.store.js';
import { CampaignsController } from './definitions/campaigns.controller.js';
import { CampaignsService } from './definitions/campaigns.service.js';
import { CampaignBroadcastService } from './everyone/campaign-broadcast.service.js';
import { CampaignFailureStore } from './failures/campaign-failure.store.js';
import { CampaignFailuresService } from './failures/campaign-failures.service.js';
import { GoalStore } from './goals/goal.store.js';
import { GoalsService } from './goals/goals.service.js';
import { CampaignMemberStore } from './members/campaign-member.store.js';
import { CampaignMembersService } from './members/campaign-members.service.js';
import { CampaignStartService } from './members/campaign-start.service.js';
import { CampaignProgressStore } from './members/campaign-progress.store.js';
import { FreezingService } from './members/freezing.service.js';
import { FreezingWorker } from './members/freezing.worker.js';
import { NewMembersService } from './members/new-members.service.js';
import { CampaignPreviewController } from './preview/campaign-preview.controller.js';
import { CampaignPreviewService } from './preview/campaign-preview.service.js';
import { CampaignTestsService } from './preview/campaign-tests.service.js';
import { DryRunService } from './preview/dry-run.service.js';
import { MemberSampleService } from './preview/member-sample.service.js';
import { CampaignPublisherService } from './sending/campaign-publisher.service.js';
import { CampaignSendingService } from './sending/campaign-sending.service.js';
import { CampaignSendingStore } from './sending/campaign-sending.store.js';
import { CampaignWorker } from './sending/campaign.worker.js';

/** What is told to many people at once: written, approved, sent to each person once. */
@Module({
  imports: [AudiencesModule, BroadcastsModule, ContactsModule, MailboxModule, TemplatesModule],
  controllers: [CampaignActsController, CampaignPreviewController, CampaignsController],
  providers: [
    CampaignActsService,
    CampaignBroadcastService,
    CampaignChecksService,
    CampaignCountsStore,
    CampaignFailuresService,
    CampaignFailureStore,
    CampaignMembersService,
    CampaignMemberStore,
    CampaignPreviewService,
    CampaignPublisherService,
    CampaignSendingService,
    CampaignSendingStore,
    CampaignsService,
    CampaignStartService,
    CampaignStore,
    CampaignTestsService,
    CampaignProgressStore,
    CampaignWorker,
    DryRunService,
    FreezingService,
    FreezingWorker,
    GoalsService,
    GoalStore,
    MemberSampleService,
    NewMembersService,
  ],
  exports: [GoalsService],
})
export class CampaignsModule {}
