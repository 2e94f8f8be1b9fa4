import { Body, Controller, Delete, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { userId as userIdSchema } from '../platform/auth/names.schema.js';
import { NeedsScope } from '../platform/auth/service-key.guard.js';
import { Idempotent } from '../platform/http/idempotency.interceptor.js';
import { LeaseRenewal } from './renewal.service.js';
import { StopCauses } from './stop-causes.service.js';
import {
  grantedStream,
  newStream,
  type NewStreamBody,
  stoppedStreams,
  streamId as streamIdSchema,
} from './streams.schema.js';
import { Streams } from './streams.service.js';

@ApiTags('edge nodes')
@Controller('v1/streams')
@NeedsScope('edge')
export class StreamsController {
  constructor(
    private readonly streams: Streams,
    private readonly renewal: LeaseRenewal,
  ) {}

  /** Asks before the first byte: takes one of the user's slots and gives a lease. */
  @Post()
  @Idempotent()
  @ApiResponse({ status: 201, standardSchema: grantedStream })
  start(@Body({ schema: newStream }) body: NewStreamBody) {
    return this.streams.start(body);
  }

  /** Renews the lease and the slot. Due every LEASE_SECONDS / 3. */
  @Put(':streamId')
  @ApiResponse({ status: 200, standardSchema: grantedStream })
  renew(@Param('streamId', { schema: streamIdSchema }) streamId: string) {
    return this.renewal.renew(streamId);
  }

  /** It is over: its slot is free. */
  @Delete(':streamId')
  @HttpCode(204)
  async end(@Param('streamId', { schema: streamIdSchema }) streamId: string): Promise<void> {
    await this.streams.end(streamId);
  }
}

@ApiTags('back offices')
@Controller('v1/users')
export class UserStreamsController {
  constructor(private readonly causes: StopCauses) {}

  /** Stops all of a user's streams, for the reason `operator`. What the membership allows may be started anew. */
  @Delete(':userId/streams')
  @NeedsScope('admin')
  @ApiResponse({ status: 200, standardSchema: stoppedStreams })
  async stop(@Param('userId', { schema: userIdSchema }) userId: string) {
    return { stopped: await this.causes.operatorStops(userId) };
  }
}
