import { Module } from '@nestjs/common';
import { MailboxModule } from '../mailbox/mailbox.module.js';
import { ClockService } from './clock.service.js';
import { DefinitionStore } from './definitions/definition.store.js';
import { DefinitionsController } from './definitions/definitions.controller.js';
import { DefinitionsService } from './definitions/definitions.service.js';
import { DigestPlanStore } from './planning/digest-plan.store.js';
import { DigestPlannerWorker } from './planning/digest-planner.worker.js';
import { PlanningService } from './planning/planning.service.js';
import { DigestPreviewController } from './preview/digest-preview.controller.js';
import { DigestPreviewService } from './preview/digest-preview.service.js';
import { DigestRunStore } from './runs/digest-run.store.js';
import { DigestWorker } from './runs/digest.worker.js';
import { DigestPublisherService } from './runs/digest-publisher.service.js';
import { DigestRunsService } from './runs/digest-runs.service.js';
import { TemplatesModule } from '../templates/templates.module.js';

/** What happened since yesterday, or in the week, at the same time of each user's day. */
@Module({
  imports: [MailboxModule, TemplatesModule],
  controllers: [DefinitionsController, DigestPreviewController],
  providers: [
    ClockService,
    DefinitionStore,
    DefinitionsService,
    DigestPlanStore,
    DigestPlannerWorker,
    DigestPreviewService,
    DigestPublisherService,
    DigestRunStore,
    DigestWorker,
    PlanningService,
    DigestRunsService,
  ],
})
export class DigestsModule {}
