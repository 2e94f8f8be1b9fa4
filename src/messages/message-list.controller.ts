import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { userId as userIdSchema } from '../platform/auth/ids.schema.js';
import { NeedsScope } from '../platform/auth/service-keys/service-key.guard.js';
import { Operation } from '../platform/http/docs/operation.js';
import { messageList, type MessagesQuery, messagesQuery } from './messages.schema.js';
import { MessagesService } from './messages.service.js';

/** What became of a user's texts and mails. */
@ApiTags('back offices')
@Controller('v1/users/:userId/messages')
@NeedsScope('read')
export class MessageListController {
  constructor(private readonly messages: MessagesService) {}

  /** Lists them, the newest first, without their texts. */
  @Get()
  @Operation({ id: 'listMessages', summary: 'See what became of the texts and mails of a user' })
  @ApiResponse({ status: 200, standardSchema: messageList })
  list(
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Query({ schema: messagesQuery }) query: MessagesQuery,
  ) {
    return this.messages.list(userId, query);
  }
}
