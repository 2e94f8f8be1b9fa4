import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { findBackOffice } from '../../platform/auth/caller.js';
import { hasScope } from '../../platform/auth/service-keys/service-key.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { Idempotent } from '../../platform/http/idempotency/idempotency.interceptor.js';
import { Problem } from '../../platform/http/problem.js';
import { TemplatePreviewsService } from './template-previews.service.js';
import {
  type ActiveVersion,
  activeVersion,
  type NewTemplate,
  newTemplate,
  type PreviewedTemplate,
  previewedTemplate,
  templateList,
  templateName,
  templatePreview,
  templateResponse,
  versionInPath,
  versionList,
} from './templates.schema.js';
import { TemplatesService } from './templates.service.js';

/** The words of pushes, texts and mails. */
@ApiTags('back offices')
@Controller('v1/templates')
@NeedsScope('operate')
export class TemplatesController {
  constructor(
    private readonly templates: TemplatesService,
    private readonly previews: TemplatePreviewsService,
  ) {}

  /** Lists the templates that are used, by their names. */
  @Get()
  @Operation({ id: 'listTemplates', summary: 'List the templates that are used' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: templateList })
  async list() {
    return { templates: await this.templates.list() };
  }

  /** The version of a template that is used. */
  @Get(':name')
  @Operation({
    id: 'getTemplate',
    summary: 'Read the version of a template that is used',
    problems: ['not_found'],
  })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: templateResponse })
  get(@Param('name', { schema: templateName }) name: string) {
    return this.templates.get(name);
  }

  /** The versions of a template, the newest first. */
  @Get(':name/versions')
  @Operation({ id: 'listTemplateVersions', summary: 'List the versions of a template' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: versionList })
  async versions(@Param('name', { schema: templateName }) name: string) {
    return { versions: await this.templates.versions(name) };
  }

  /** One version of a template. */
  @Get(':name/versions/:version')
  @Operation({ id: 'getTemplateVersion', summary: 'Read a version of a template', problems: ['not_found'] })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: templateResponse })
  version(
    @Param('name', { schema: templateName }) name: string,
    @Param('version', { schema: versionInPath }) version: number,
  ) {
    return this.templates.get(name, version);
  }

  /** Publishes a version of a template. */
  @Put(':name')
  @Operation({
    id: 'putTemplate',
    summary: 'Publish a version of a template',
    description:
      'It is checked whole, and used from then on, on all nodes within seconds. A version never changes; the same template again makes no new one.',
    problems: ['template_invalid', 'conflict'],
  })
  @Idempotent()
  @Audited()
  @ApiResponse({ status: 200, standardSchema: templateResponse })
  put(
    @Param('name', { schema: templateName }) name: string,
    @Body({ schema: newTemplate }) body: NewTemplate,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.templates.publish(name, body, by);
  }

  /** Has another version used. */
  @Put(':name/active')
  @Operation({
    id: 'activateTemplate',
    summary: 'Go back to a version of a template, or forward',
    problems: ['not_found'],
  })
  @Audited()
  @ApiResponse({ status: 200, standardSchema: templateResponse })
  activate(
    @Param('name', { schema: templateName }) name: string,
    @Body({ schema: activeVersion }) { version }: ActiveVersion,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.templates.activate(name, version, by);
  }

  /** Has no version used any more. */
  @Delete(':name')
  @Operation({
    id: 'deleteTemplate',
    summary: 'Use a template no more',
    description:
      'Or again the one that Usher brings along. Its versions stay, and one of them can be used again.',
    problems: ['not_found'],
  })
  @HttpCode(204)
  @Audited()
  async remove(
    @Param('name', { schema: templateName }) name: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    await this.templates.deactivate(name, by);
  }

  /** The words of a template, published or not. */
  @Post(':name/preview')
  @Operation({
    id: 'previewTemplate',
    summary: 'Read the words of a template, published or not',
    description:
      'Changes nothing. One that is not published (`template`) is compiled for it: that needs the scope `operate`.',
    problems: ['not_found', 'template_invalid', 'template_data_invalid'],
  })
  @NeedsScope('read')
  @HttpCode(200)
  @ApiResponse({ status: 200, standardSchema: templatePreview })
  preview(
    @Param('name', { schema: templateName }) name: string,
    @Body({ schema: previewedTemplate }) body: PreviewedTemplate,
    @Req() request: Request,
  ) {
    if (body.template && !hasScope(findBackOffice(request)?.scopes ?? [], 'operate'))
      throw new Problem('forbidden', 'To preview what is not published needs the scope "operate".');
    return this.previews.preview(name, body);
  }
}
