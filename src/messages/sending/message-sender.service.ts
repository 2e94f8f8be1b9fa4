import { Injectable, Logger } from '@nestjs/common';
import { AddressCipherService } from '../../contacts/address-cipher.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import type { ClaimedMessage, MessageSettlement } from '../message.js';
import { MailSenderService } from './mail-sender.service.js';
import { TextSenderService } from './text-sender.service.js';
import { leaveChannel } from './next-step.js';

/** Of codes by which an address is verified: the only messages to addresses that are not. */
export const VERIFICATION_CATEGORY = 'verification';

/** Decides about one claimed message, sends it, and returns what became of it. */
@Injectable()
export class MessageSenderService {
  private readonly log = new Logger('messages');

  constructor(
    private readonly ciphers: AddressCipherService,
    private readonly mails: MailSenderService,
    private readonly texts: TextSenderService,
  ) {}

  /** Throws only when PostgreSQL is down: the message is due again later. */
  async send(message: ClaimedMessage): Promise<MessageSettlement> {
    try {
      if (message.expiresAt.getTime() <= Date.now()) return { state: 'withdrawn', reason: 'expired' };
      if (message.address === null) return leaveChannel(message, 'withdrawn', 'no_address');
      if (message.isVerified !== true && message.category !== VERIFICATION_CATEGORY)
        return leaveChannel(message, 'withdrawn', 'not_verified');
      const cipher = this.ciphers.require();
      const to = cipher.decrypt(message.address);
      const recipient = { to, hashes: cipher.hashes(to) };
      return await (message.channel === 'email' ? this.mails : this.texts).send(message, recipient);
    } catch (error) {
      if (isOutage(error)) throw error;
      this.log.error(error, `message ${message.id} failed`);
      return { state: 'failed', reason: 'internal' };
    }
  }
}
