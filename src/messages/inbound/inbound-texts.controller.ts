import { Controller, Get, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../../platform/http/docs/operation.js';
import { inboundList, type InboundQuery, inboundQuery } from './inbound.schema.js';
import { InboundTextsService } from './inbound-texts.service.js';

/** Texts that people sent to us. */
@ApiTags('back offices')
@Controller('v1/messages/inbound')
@NeedsScope('support')
export class InboundTextsController {
  constructor(private readonly inbound: InboundTextsService) {}

  /** Lists them, the newest first. */
  @Get()
  @Operation({
    id: 'listInboundTexts',
    summary: 'Read the texts that people sent',
    problems: ['not_configured'],
  })
  @ApiResponse({ status: 200, standardSchema: inboundList })
  list(@Query({ schema: inboundQuery }) query: InboundQuery) {
    return this.inbound.list(query);
  }
}
