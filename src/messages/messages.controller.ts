import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../platform/http/docs/operation.js';
import { Idempotent } from '../platform/http/idempotency/idempotency.interceptor.js';
import {
  type NewMessageBody,
  newMessage,
  type PreviewedText,
  previewedText,
  queuedMessage,
  textPreview,
} from './messages.schema.js';
import { MessageQueueingService } from './message-queueing.service.js';
import { MessagesService } from './messages.service.js';

/** Texts and mails, for back offices. */
@ApiTags('back offices')
@Controller('v1/messages')
@NeedsScope('publish')
export class MessagesController {
  constructor(
    private readonly messages: MessagesService,
    private readonly queueing: MessageQueueingService,
  ) {}

  /** Queues a text or mail. 202 means that it is stored. */
  @Post()
  @Operation({
    id: 'sendMessage',
    summary: 'Send a user a text or mail',
    description:
      'To the address in the contact of the user, when it is sent. 202 means that it is stored; what became of it: `listMessages`.',
    problems: [
      'not_configured',
      'unknown_template',
      'template_data_invalid',
      'idempotency_in_progress',
      'idempotency_mismatch',
    ],
  })
  @Idempotent()
  @HttpCode(202)
  @ApiResponse({ status: 202, standardSchema: queuedMessage })
  send(@Body({ schema: newMessage }) body: NewMessageBody) {
    return this.queueing.send(body);
  }

  /** Says into how many parts a text would be split, and what they would cost. Nothing is sent. */
  @Post('preview')
  @Operation({ id: 'previewMessage', summary: 'See the parts and the price of a text' })
  @HttpCode(200)
  @ApiResponse({ status: 200, standardSchema: textPreview })
  preview(@Body({ schema: previewedText }) body: PreviewedText) {
    return this.messages.preview(body);
  }
}
