import { Module } from '@nestjs/common';
import { AudienceRemovalWorker } from './audience-removal.worker.js';
import { AudienceStore } from './audience.store.js';
import { AudiencesController } from './audiences.controller.js';
import { AudiencesService } from './audiences.service.js';
import { AudienceMemberStore } from './members/audience-member.store.js';
import { MembersController } from './members/members.controller.js';
import { UploadService } from './members/upload.service.js';
import { AudienceSliceStore } from './slices/audience-slice.store.js';
import { AudienceSlicesService } from './slices/audience-slices.service.js';

/** Whom campaigns are for: users whom a rule fits, or those of a list. */
@Module({
  controllers: [AudiencesController, MembersController],
  providers: [
    AudienceMemberStore,
    AudienceRemovalWorker,
    AudienceSliceStore,
    AudienceSlicesService,
    AudiencesService,
    AudienceStore,
    UploadService,
  ],
  exports: [AudienceSlicesService],
})
export class AudiencesModule {}
