import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditContext } from '../platform/audit/audit-entry.js';
import { Audited, CurrentAuditContext } from '../platform/audit/audited.decorator.js';
import { userId as userIdSchema } from '../platform/auth/ids.schema.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { Idempotent } from '../platform/http/idempotency/idempotency.interceptor.js';
import { LeaseRenewalService } from './leases/lease-renewal.service.js';
import { StopTriggersService } from './stop-triggers.service.js';
import { streamId as streamIdSchema } from '../mailbox/events/event-data.schema.js';
import {
  grantedStream,
  newStream,
  type NewStreamBody,
  runningStreams,
  stoppedStreams,
} from './streams.schema.js';
import { StreamStore } from './stream.store.js';
import { StreamsService } from './streams.service.js';
import { Operation } from '../platform/http/docs/operation.js';

/** The calls of edge nodes. */
@ApiTags('edge nodes')
@Controller('v1/streams')
@NeedsScope('edge')
export class StreamsController {
  constructor(
    private readonly streams: StreamsService,
    private readonly renewals: LeaseRenewalService,
  ) {}

  /** For an edge node before it sends the first byte: takes one of the user's slots and returns a lease. */
  @Post()
  @Operation({
    id: 'startStream',
    summary: 'Start a stream',
    description: 'Takes one of the slots of the plan and returns a lease; before the first byte.',
    problems: ['not_entitled', 'too_many_streams'],
  })
  @Idempotent()
  @ApiResponse({ status: 201, standardSchema: grantedStream })
  start(@Body({ schema: newStream }) body: NewStreamBody) {
    return this.streams.start(body);
  }

  /** Renews the slot and returns a new lease. Edge nodes call it every LEASE_SECONDS / 3. */
  @Put(':streamId')
  @Operation({
    id: 'renewStream',
    summary: 'Renew a stream',
    description: 'Every LEASE_SECONDS / 3.',
    problems: ['not_entitled', 'not_found', 'too_many_streams'],
  })
  @ApiResponse({ status: 200, standardSchema: grantedStream })
  renew(@Param('streamId', { schema: streamIdSchema }) streamId: string) {
    return this.renewals.renew(streamId);
  }

  /** Ends a stream, which frees its slot. */
  @Delete(':streamId')
  @Operation({ id: 'endStream', summary: 'End a stream', description: 'Frees its slot. It may be repeated.' })
  @HttpCode(204)
  async end(@Param('streamId', { schema: streamIdSchema }) streamId: string): Promise<void> {
    await this.streams.end(streamId);
  }
}

/** The calls of back offices. */
@ApiTags('back offices')
@Controller('v1/users')
export class UserStreamsController {
  constructor(
    private readonly stopTriggers: StopTriggersService,
    private readonly store: StreamStore,
  ) {}

  /** A user's running streams with their slots, the oldest slot first. */
  @Get(':userId/streams')
  @Operation({ id: 'listStreams', summary: 'List the running streams of a user' })
  @NeedsScope('read')
  @ApiResponse({ status: 200, standardSchema: runningStreams })
  async list(@Param('userId', { schema: userIdSchema }) userId: string) {
    return { streams: await this.store.describeRunning(userId) };
  }

  /** Stops all of a user's streams with the reason `operator`. The user may start new ones, as far as the membership allows. */
  @Delete(':userId/streams')
  @Operation({
    id: 'stopStreams',
    summary: 'Stop all streams of a user',
    description: 'With the reason `operator`. The user may start new ones, as far as the membership allows.',
  })
  @NeedsScope('support')
  @Audited('required')
  @ApiResponse({ status: 200, standardSchema: stoppedStreams })
  async stop(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @CurrentAuditContext() by: AuditContext,
  ) {
    return { stopped: await this.stopTriggers.stopByOperator(userId, by) };
  }
}
