import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../../platform/audit/audited.decorator.js';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { Idempotent } from '../../platform/http/idempotency/idempotency.interceptor.js';
import {
  fallbackList,
  fallbackResponse,
  type NewFallback,
  newFallback,
  typeInPath,
} from './fallbacks.schema.js';
import { FallbacksService } from './fallbacks.service.js';

/** For which types of events a text or mail follows a push that nobody confirmed. */
@ApiTags('back offices')
@Controller('v1/fallbacks')
@NeedsScope('operate')
export class FallbacksController {
  constructor(private readonly fallbacks: FallbacksService) {}

  /** Lists them by type. */
  @Get()
  @Operation({ id: 'listFallbacks', summary: 'List what follows pushes that nobody confirmed' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: fallbackList })
  async list() {
    return { fallbacks: await this.fallbacks.list() };
  }

  /** Creates or replaces one. */
  @Put(':type')
  @Operation({
    id: 'putFallback',
    summary: 'Have a text or mail follow a push that nobody confirmed',
    description:
      'For events of this type from now on: so many seconds after the push was queued, unless a device has confirmed the event by then.',
    problems: ['conflict'],
  })
  @Idempotent()
  @Audited()
  @ApiResponse({ status: 200, standardSchema: fallbackResponse })
  put(
    @Param('type', { schema: typeInPath }) type: string,
    @Body({ schema: newFallback }) body: NewFallback,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return this.fallbacks.put(type, body, by);
  }

  /** Removes one. */
  @Delete(':type')
  @Operation({
    id: 'deleteFallback',
    summary: 'Have nothing follow the pushes of a type',
    description: 'What is queued by then still goes out.',
    problems: ['not_found'],
  })
  @HttpCode(204)
  @Audited()
  async remove(
    @Param('type', { schema: typeInPath }) type: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    await this.fallbacks.remove(type, by);
  }
}
