import { Injectable, Logger } from '@nestjs/common';
import { AddressCipherService } from '../../contacts/address-cipher.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { TemplateCatalogService } from '../../templates/catalog/template-catalog.service.js';
import { oneLine } from '../../templates/content/one-line.js';
import { plainWordsOf } from '../../templates/content/plain-words.js';
import type { ClaimedMessage, MessagedEvent, MessageSettlement } from '../message.js';
import { decideEventMessage } from './decide-event-message.js';
import { MailSenderService } from './mail-sender.service.js';
import { TextSenderService } from './text-sender.service.js';
import { leaveChannel } from './next-step.js';

/** Of codes by which an address is verified: the only messages to addresses that are not. */
export const VERIFICATION_CATEGORY = 'verification';

type Words = Pick<ClaimedMessage, 'subject' | 'text' | 'html'>;

/** Decides about one claimed message, sends it, and returns what became of it. */
@Injectable()
export class MessageSenderService {
  private readonly log = new Logger('messages');

  constructor(
    private readonly ciphers: AddressCipherService,
    private readonly mails: MailSenderService,
    private readonly texts: TextSenderService,
    private readonly templates: TemplateCatalogService,
  ) {}

  /** Throws only when PostgreSQL is down: the message is due again later. */
  async send(message: ClaimedMessage): Promise<MessageSettlement> {
    try {
      const { event } = message;
      if (message.expiresAt.getTime() <= Date.now()) return { state: 'withdrawn', reason: 'expired' };
      const decision = event ? decideEventMessage({ ...message, event }, new Date()) : 'send';
      if (decision !== 'send') return decision;
      if (message.address === null) return leaveChannel(message, 'withdrawn', 'no_address');
      const verifies = !event && message.category === VERIFICATION_CATEGORY;
      if (message.isVerified !== true && !verifies) return leaveChannel(message, 'withdrawn', 'not_verified');
      if (event) await this.templates.prepareEvent(event);
      const words = event ? this.wordsOf(event, message.channel) : message;
      if (!words) return leaveChannel(message, 'failed', 'no_words');
      const cipher = this.ciphers.require();
      const to = cipher.decrypt(message.address);
      const recipient = { to, hashes: cipher.hashes(to) };
      const sender = message.channel === 'email' ? this.mails : this.texts;
      return await sender.send({ ...message, ...words }, recipient);
    } catch (error) {
      if (isOutage(error)) throw error;
      this.log.error(error, `message ${message.id} failed`);
      return { state: 'failed', reason: 'internal' };
    }
  }

  /** Returns the words of an event: of its template, else those that its data has; undefined without any. */
  private wordsOf(
    { type, data, locale }: MessagedEvent,
    channel: ClaimedMessage['channel'],
  ): Words | undefined {
    const rendered = this.templates.renderEvent({ type, data }, channel, locale);
    if (rendered?.channel === 'email') {
      const { subject, text, html = null } = rendered.words;
      return { subject, text, html };
    }
    if (rendered?.channel === 'sms') return { subject: null, text: rendered.words.text, html: null };
    const plain = plainWordsOf(data);
    if (!plain) return undefined;
    const { title, body } = plain;
    if (channel === 'email') return { subject: oneLine(title || body), text: body || title, html: null };
    return { subject: null, text: [title, body].filter(Boolean).join(': '), html: null };
  }
}
