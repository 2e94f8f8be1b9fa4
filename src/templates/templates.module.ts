import { Module } from '@nestjs/common';
import { TemplateCatalogService } from './catalog/template-catalog.service.js';
import { TemplateStore } from './catalog/template.store.js';
import { MjmlCompilerService } from './publishing/mjml-compiler.service.js';
import { TemplatePreparationService } from './publishing/template-preparation.service.js';
import { TemplatePreviewsService } from './publishing/template-previews.service.js';
import { TemplatesController } from './publishing/templates.controller.js';
import { TemplatesService } from './publishing/templates.service.js';

/** The words of pushes, texts and mails. */
@Module({
  controllers: [TemplatesController],
  providers: [
    MjmlCompilerService,
    TemplateCatalogService,
    TemplatePreparationService,
    TemplatePreviewsService,
    TemplatesService,
    TemplateStore,
  ],
  exports: [TemplateCatalogService, TemplateStore],
})
export class TemplatesModule {}
