import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBody, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { Operation } from '../../platform/http/docs/operation.js';
import { messageReport, reportReceived } from './inbound.schema.js';
import { SignedReportsService } from './signed-reports.service.js';

/** Where providers of mails, and of texts over HTTP, report what became of messages. */
@ApiTags('processors')
@Controller('v1/webhooks/messages')
export class MessageReportsController {
  constructor(private readonly reports: SignedReportsService) {}

  /** Receives a report, a bounce or a complaint, signed as Standard Webhooks. */
  @Post()
  @Operation({
    id: 'receiveMessageReport',
    summary: 'Receive what became of a message, a bounce or a complaint',
    description: 'Signed with MESSAGE_WEBHOOK_SECRET as https://www.standardwebhooks.com specifies.',
    problems: [
      'signature_invalid',
      'signature_stale',
      'not_configured',
      'malformed_json',
      'payload_too_large',
    ],
  })
  @HttpCode(200)
  @ApiBody({ standardSchema: messageReport } as never)
  @ApiResponse({ status: 200, standardSchema: reportReceived })
  async report(@Req() request: Request) {
    const body: unknown = request.body;
    const applied = await this.reports.receive(
      Buffer.isBuffer(body) ? body : Buffer.alloc(0),
      request.headers,
    );
    return { received: true, applied };
  }
}
