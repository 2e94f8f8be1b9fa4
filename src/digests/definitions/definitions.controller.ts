import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { Idempotent } from '../../platform/http/idempotency/idempotency.interceptor.js';
import { type DigestBody, digestBody, digestList, digestName, digestResponse } from './definition.schema.js';
import { DefinitionsService } from './definitions.service.js';

/** What the back office defines: which events a digest collects, and when it goes out. */
@ApiTags('back offices')
@Controller('v1/digests')
@NeedsScope('operate')
export class DefinitionsController {
  constructor(private readonly definitions: DefinitionsService) {}

  /** Lists the digests by their names. */
  @Get()
  @Operation({ id: 'listDigests', summary: 'List the digests by their names' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: digestList })
  async list() {
    return { digests: await this.definitions.list() };
  }

  /** A digest. */
  @Get(':name')
  @Operation({ id: 'getDigest', summary: 'Read a digest', problems: ['not_found'] })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: digestResponse })
  get(@Param('name', { schema: digestName }) name: string) {
    return this.definitions.get(name);
  }

  /** Creates or replaces a digest. */
  @Put(':name')
  @Operation({
    id: 'putDigest',
    summary: 'Create or replace a digest',
    description:
      "It goes out at that time of each user's day. A changed time holds at once: a local date that has not had its digest yet gets it then, or now if that time has passed.",
    problems: ['conflict'],
  })
  @Idempotent()
  @Audited()
  @ApiResponse({ status: 200, standardSchema: digestResponse })
  put(
    @Param('name', { schema: digestName }) name: string,
    @Body({ schema: digestBody }) body: DigestBody,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.definitions.put(name, body, by);
  }

  /** Ends a digest. */
  @Delete(':name')
  @Operation({ id: 'deleteDigest', summary: 'End a digest', problems: ['not_found'] })
  @HttpCode(204)
  @Audited()
  async remove(
    @Param('name', { schema: digestName }) name: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    await this.definitions.remove(name, by);
  }
}
