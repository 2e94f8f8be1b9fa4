import { Controller, Header, HttpCode, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { Operation } from '../../platform/http/docs/operation.js';
import { type TwilioStatusQuery, twilioStatusQuery } from './twilio.schema.js';
import { TwilioWebhooksService } from './twilio-webhooks.service.js';

const FORM = 'application/x-www-form-urlencoded';
const SIGNATURE = 'X-Twilio-Signature';
const signatureHeader = {
  name: SIGNATURE,
  required: false,
  description: 'As Twilio computes it over URL and form',
  schema: { type: 'string' },
};
const PROBLEMS = ['signature_invalid', 'not_configured', 'payload_too_large'] as const;

/** Where Twilio posts texts that come in, and what became of those that went out. */
@ApiTags('processors')
@Controller('v1/webhooks')
export class TwilioController {
  constructor(private readonly twilio: TwilioWebhooksService) {}

  /** Receives a text. 200 means that it is stored. The response is TwiML: the reply, if there is one. */
  @Post('twilio')
  @Operation({ id: 'receiveTwilioText', summary: 'Receive a text from Twilio', problems: PROBLEMS })
  @HttpCode(200)
  @ApiConsumes(FORM)
  @ApiHeader(signatureHeader)
  @ApiBody({
    description: 'As Twilio sends and signs it',
    schema: { type: 'string', example: 'From=%2B4915112345678&Body=STOP&MessageSid=SM1' },
  })
  @ApiProduces('text/xml')
  @ApiResponse({ status: 200, description: 'TwiML', schema: { type: 'string' } })
  @Header('Content-Type', 'text/xml; charset=utf-8')
  text(@Req() request: Request): Promise<string> {
    return this.twilio.receiveText({
      path: request.originalUrl,
      body: bytesOf(request),
      signature: request.get(SIGNATURE),
    });
  }

  /** Receives what became of a text. One that comes again, or of a text that is not ours, changes nothing. */
  @Post('twilio-status')
  @Operation({
    id: 'receiveTwilioStatus',
    summary: 'Receive the status of a text from Twilio',
    problems: PROBLEMS,
  })
  @HttpCode(204)
  @ApiConsumes(FORM)
  @ApiHeader(signatureHeader)
  @ApiBody({
    description: 'As Twilio sends and signs it',
    schema: { type: 'string', example: 'MessageSid=SM1&MessageStatus=delivered' },
  })
  async status(
    @Req() request: Request,
    @Query({ schema: twilioStatusQuery }) { message }: TwilioStatusQuery,
  ): Promise<void> {
    await this.twilio.receiveStatus(message, {
      path: request.originalUrl,
      body: bytesOf(request),
      signature: request.get(SIGNATURE),
    });
  }
}

const bytesOf = ({ body }: Request): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));
