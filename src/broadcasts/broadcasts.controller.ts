import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { AuditContext } from '../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../platform/audit/audited.decorator.js';
import { findServiceKey } from '../platform/auth/caller.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../platform/http/docs/operation.js';
import type { IdempotentCall } from '../platform/http/idempotency/idempotency.js';
import { CurrentIdempotentCall, Idempotent } from '../platform/http/idempotency/idempotency.interceptor.js';
import { BroadcastPublishingService } from './broadcast-publishing.service.js';
import {
  acceptedBroadcast,
  broadcastId,
  broadcastList,
  type BroadcastsQuery,
  broadcastsQuery,
  newBroadcast,
  type NewBroadcastBody,
  storedBroadcast,
} from './broadcasts.schema.js';
import { BroadcastsService } from './broadcasts.service.js';

/** Events for everyone. */
@ApiTags('back offices')
@Controller('v1/broadcasts')
@NeedsScope('read')
export class BroadcastsController {
  constructor(
    private readonly publishing: BroadcastPublishingService,
    private readonly broadcasts: BroadcastsService,
  ) {}

  /** Publishes an event to every device of every user. */
  @Post()
  @Operation({
    id: 'publishBroadcast',
    summary: 'Publish an event to everyone',
    description:
      'One row, however many devices there are: those that are connected are sent it now, the others when they connect, until it expires. There are no pushes, texts and mails, and no receipts of single devices. At most 100 broadcasts of 256 KiB together are in force.',
    problems: ['reserved_type', 'reserved_key', 'conflict'],
  })
  @HttpCode(202)
  @NeedsScope('publish')
  @Idempotent()
  @ApiResponse({
    status: 202,
    description: 'Committed; devices are being told.',
    standardSchema: acceptedBroadcast,
  })
  publish(
    @Body({ schema: newBroadcast }) body: NewBroadcastBody,
    @Req() request: Request,
    @CurrentIdempotentCall() call: IdempotentCall | undefined,
  ) {
    return this.publishing.publish(body, findServiceKey(request)?.id ?? '', call);
  }

  /** Lists the broadcasts, the newest first. */
  @Get()
  @Operation({ id: 'listBroadcasts', summary: 'List the broadcasts, the newest first' })
  @ApiResponse({ status: 200, standardSchema: broadcastList })
  list(@Query({ schema: broadcastsQuery }) query: BroadcastsQuery) {
    return this.broadcasts.list(query);
  }

  /** One broadcast, and how many devices got it. */
  @Get(':id')
  @Operation({
    id: 'getBroadcast',
    summary: 'Read a broadcast and how many devices got it',
    problems: ['not_found'],
  })
  @ApiResponse({ status: 200, standardSchema: storedBroadcast })
  get(@Param('id', { schema: broadcastId }) id: string) {
    return this.broadcasts.get(id);
  }

  /** Has a broadcast be sent to nobody any more. */
  @Delete(':id')
  @Operation({
    id: 'withdrawBroadcast',
    summary: 'Withdraw a broadcast',
    description:
      'It is sent to nobody any more, within two seconds on all nodes. Devices that have it keep it.',
    problems: ['not_found'],
  })
  @HttpCode(204)
  @NeedsScope('operate')
  @Audited('required')
  async withdraw(
    @Param('id', { schema: broadcastId }) id: string,
    @CurrentAuditContext() by: AuditContext,
  ): Promise<void> {
    await this.broadcasts.withdraw(id, by);
  }
}
