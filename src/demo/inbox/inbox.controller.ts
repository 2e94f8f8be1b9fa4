import { Body, Controller, Get, HttpCode, Param, Post, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';
import { Problem } from '../../platform/http/problem.js';
import { BackOfficeService } from '../back-office.service.js';
import { DemoClockService } from '../clock/demo-clock.service.js';
import { type SessionBody, sessionBody } from '../demo.schema.js';
import type { InboxItem } from '../far-ends/far-ends.js';
import { TwilioReportsSender } from '../far-ends/twilio-reports.sender.js';
import { KnownHostGuard } from '../known-host.guard.js';
import { DemoContactsService } from './demo-contacts.service.js';
import { type InboxReplyBody, inboxReplyBody, type InboxSendBody, inboxSendBody } from './inbox.schema.js';
import { InboxService } from './inbox.service.js';

/**
 * A mail may look as it likes, and do nothing: no script, nothing from anywhere, in no page but ours. Its links open in a window of their own.
 */
const MAIL_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "frame-ancestors 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  'sandbox allow-popups allow-popups-to-escape-sandbox',
].join('; ');

/** What has come in for the page's user without the app: mails and texts. */
@ApiExcludeController()
@Controller('dev/inbox')
@UseGuards(KnownHostGuard)
export class InboxController {
  constructor(
    private readonly inbox: InboxService,
    private readonly contacts: DemoContactsService,
    private readonly backOffice: BackOfficeService,
    private readonly reports: TwilioReportsSender,
    private readonly clock: DemoClockService,
  ) {}

  /** Returns mails and texts, the newest first, and what time the clock of digests shows. */
  @Post()
  @HttpCode(200)
  async read(@Body({ schema: sessionBody }) { userId }: SessionBody) {
    const addresses = await this.contacts.addressesOf(userId);
    const items = this.inbox.list(addresses).map(shown);
    return { now: this.clock.now().toISOString(), addresses, items };
  }

  /** Has the back office send a text or mail; returns the request. */
  @Post('send')
  @HttpCode(200)
  async send(@Body({ schema: inboxSendBody }) { userId, channel }: InboxSendBody) {
    return { sent: await this.backOffice.sendMessage(userId, channel) };
  }

  /** Sends a text from the user's number; returns the reply, if there is one. */
  @Post('reply')
  @HttpCode(200)
  async reply(@Body({ schema: inboxReplyBody }) { userId, text }: InboxReplyBody) {
    const number = (await this.contacts.addressesOf(userId)).find((address) => address.startsWith('+'));
    if (number === undefined) throw new Problem('conflict', 'The user has no number.');
    return { reply: (await this.reports.sendFrom(number, text)) ?? null };
  }

  /** A mail as its sender wants it to look. */
  @Get('mails/:id')
  mail(@Param('id') id: string, @Res() response: Response): void {
    const html = this.inbox.findHtml(id);
    if (html === undefined) throw new Problem('not_found');
    response
      .set({
        'Content-Security-Policy': MAIL_POLICY,
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
      })
      .set('Cache-Control', 'no-store')
      .type('html')
      .send(html);
  }
}

/** A mail without its HTML, which its frame loads; a text without the URL of its provider. */
function shown(item: InboxItem) {
  const { kind, id, from, at, text } = item;
  if (item.kind === 'text') return { kind, id, from, at, text };
  return { kind, id, from, at, text, subject: item.subject, hasHtml: item.html !== undefined };
}
