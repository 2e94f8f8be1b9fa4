import { Injectable } from '@nestjs/common';
import { AddressCipherService } from '../contacts/address-cipher.service.js';
import { Problem } from '../platform/http/problem.js';
import { Database } from '../platform/postgres/database.js';
import type { NewMessageBody } from './messages.schema.js';
import { messageOf, MessagesService } from './messages.service.js';
import { MessageProvidersService } from './providers/message-providers.service.js';
import { SmsRoutesService } from './providers/sms-routes.service.js';
import { MessageWordsService } from './message-words.service.js';

/** Queues the messages of back offices. */
@Injectable()
export class MessageQueueingService {
  constructor(
    private readonly messages: MessagesService,
    private readonly words: MessageWordsService,
    private readonly providers: MessageProvidersService,
    private readonly routes: SmsRoutesService,
    private readonly ciphers: AddressCipherService,
    private readonly database: Database,
  ) {}

  /**
   * Returns the id of the message once it is stored. Throws Problem invalid_request, not_configured, unknown_template or
   * template_data_invalid.
   */
  async send(body: NewMessageBody): Promise<{ id: string; userId: string; state: 'queued' }> {
    this.ciphers.require();
    const missing = body.channels.find((channel) =>
      channel === 'sms' ? !this.routes.canSend : this.providers.nameFor(channel) === undefined,
    );
    if (missing !== undefined)
      throw new Problem('not_configured', `The channel ${missing} is not configured here.`);
    const message = messageOf(body, await this.words.of(body), new Date());
    const id = await this.database.transaction(message.tier, (tx) => this.messages.enqueue(tx, message));
    return { id, userId: body.userId, state: 'queued' };
  }
}
