import { Inject, Injectable } from '@nestjs/common';
import { backoffMs } from '../../platform/sending/backoff.js';
import type { ClaimedMessage, MessageSettlement } from '../message.js';
import { UnsubscribeLinksService } from '../opt-outs/unsubscribe-links.service.js';
import { MessageProvidersService } from '../providers/message-providers.service.js';
import { MessageStore } from '../queue/message.store.js';
import { MessageLimitsService } from './message-limits.service.js';
import { MAIL_TRACKING, type MailTracking } from './mail-tracking.js';
import { afterResult, holdBack, leaveChannel } from './next-step.js';
import type { Recipient } from './recipient.js';

/** Reasons of a mail that was not given to the mail server, which is not away: that is no attempt. */
const NOT_TRIED = new Set(['busy', 'closing']);

/** Sends mails. */
@Injectable()
export class MailSenderService {
  constructor(
    private readonly providers: MessageProvidersService,
    private readonly limits: MessageLimitsService,
    private readonly links: UnsubscribeLinksService,
    private readonly store: MessageStore,
    @Inject(MAIL_TRACKING) private readonly tracking: MailTracking,
  ) {}

  /** Returns what became of the mail. */
  async send(message: ClaimedMessage, { to, hashes }: Recipient): Promise<MessageSettlement> {
    const { id, subject, text, category, tier, attempts } = message;
    const provider = this.providers.nameFor('email');
    if (provider === undefined) return leaveChannel(message, 'failed', 'not_configured');
    const turn = await this.limits.takeForMail(tier);
    if (turn) return holdBack(message, turn, { now: new Date(), reason: 'server_budget' });
    if (tier !== 'critical' && message.isFirst) {
      const user = await this.limits.takeForUser(message);
      if (user.granted === 0) {
        await this.limits.giveBackForMail();
        return { state: 'withdrawn', reason: 'user_cap' };
      }
    }
    const plan = { provider, route: null, parts: 1, price: null, currency: null, providerMessages: 1 };
    if (!(await this.store.begin(message, { ...plan, addressHashes: hashes })))
      return leaveChannel(message, 'withdrawn', 'opted_out');
    const result = await this.providers.send(provider, {
      id,
      to,
      tier,
      subject: subject ?? '',
      text,
      html: this.htmlOf(message),
      // What is critical is about the account, and cannot be unsubscribed from.
      unsubscribeUrl:
        tier === 'critical'
          ? undefined
          : this.links.linkFor({ addressHash: hashes[0], category, messageId: id }),
    });
    if (result.is === 'delivered') return { state: 'sent', providerIds: [id] };
    if (result.is === 'retry' && NOT_TRIED.has(result.reason)) {
      const turn = { waitMs: (result.afterMs ?? 0) + backoffMs(attempts), soonestMs: 0 };
      return { ...holdBack(message, turn, { now: new Date(), reason: result.reason }), attempts };
    }
    return afterResult(message, result, { now: new Date(), backoff: backoffMs(attempts) });
  }

  /** Made as the mail is sent: what is stored are the words, and a mail that is sent again has the same numbers for its links. */
  private htmlOf({ id, userId, html, tracking }: ClaimedMessage): string | undefined {
    if (html === null || tracking === null) return html ?? undefined;
    return this.tracking.trackMail(html, { ...tracking, messageId: id, userId });
  }
}
