import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { SmsRoute, SmsSender } from '../../platform/config/message-settings.js';
import { backoffMs } from '../../platform/sending/backoff.js';
import { retry, type SendResult } from '../../platform/sending/send-result.js';
import type { ClaimedMessage, MessageSettlement } from '../message.js';
import { MessageProvidersService } from '../providers/message-providers.service.js';
import { SmsRoutesService } from '../providers/sms-routes.service.js';
import { MessageStore } from '../queue/message.store.js';
import { priceOf, type SegmentedMessage, segmentFor } from '../segmentation/sender-segmentation.js';
import { MessageLimitsService } from './message-limits.service.js';
import { afterResult, holdBack, leaveChannel, mayAskAnother } from './next-step.js';
import type { Recipient } from './recipient.js';

/** What one sender made of a text: a settlement that is final for now, or a result after which another sender may be asked. */
type Attempt = { readonly settlement: MessageSettlement } | { readonly result: SendResult };

/** Sends texts: by the senders of the route of the number, in their order, until one has taken it. */
@Injectable()
export class TextSenderService {
  private readonly maxParts: number;

  constructor(
    private readonly routes: SmsRoutesService,
    private readonly providers: MessageProvidersService,
    private readonly limits: MessageLimitsService,
    private readonly store: MessageStore,
    @Inject(CONFIG) config: Config,
  ) {
    this.maxParts = config.SMS_MAX_PARTS;
  }

  /** Returns what became of the text. */
  async send(message: ClaimedMessage, recipient: Recipient): Promise<MessageSettlement> {
    const route = this.routes.find(recipient.to);
    if (!route) return leaveChannel(message, 'failed', this.routes.canSend ? 'no_route' : 'not_configured');
    let last: SendResult = retry('no_sender');
    for (const sender of route.senders) {
      const attempt = await this.sendBy(sender, route, message, recipient);
      if ('settlement' in attempt) return attempt.settlement;
      last = attempt.result;
    }
    if (last.is === 'delivered') throw new Error('a text that was taken is settled');
    return afterResult(message, last, { now: new Date(), backoff: backoffMs(message.attempts) });
  }

  /**
   * The sender's rate, and the caps of the prefix and of the user, each counted once for a text. Returns what becomes of a text that one of them refuses: it
   * leaves the others as they were. The prefix is first: texts that wait for its cap must not take from a sender that others share.
   */
  private async checkLimits(
    message: ClaimedMessage,
    { route, sender, parts }: { route: SmsRoute; sender: SmsSender; parts: number },
  ): Promise<MessageSettlement | undefined> {
    const { tier } = message;
    const isCounted = message.isFirst && sender === route.senders[0];
    const prefixTurn = isCounted ? await this.limits.takeForRoute(route, tier, parts) : undefined;
    if (prefixTurn) return holdBack(message, prefixTurn, { now: new Date(), reason: 'prefix_cap' });
    const turn = await this.limits.takeForSender(sender, tier, parts);
    if (turn) {
      if (isCounted) await this.limits.giveBackForRoute(route, parts);
      return holdBack(message, turn, { now: new Date(), reason: 'sender_budget' });
    }
    if (!isCounted || tier === 'critical') return undefined;
    const user = await this.limits.takeForUser(message);
    if (user.granted > 0) return undefined;
    await this.limits.giveBackForRoute(route, parts);
    await this.limits.giveBackForSender(sender, parts);
    return { state: 'withdrawn', reason: 'user_cap' };
  }

  private async sendBy(
    sender: SmsSender,
    route: SmsRoute,
    message: ClaimedMessage,
    recipient: Recipient,
  ): Promise<Attempt> {
    const segmented = segmentFor(message.text, sender);
    const count = segmented.parts.length;
    if (count > this.maxParts) return { settlement: leaveChannel(message, 'failed', 'too_many_parts') };
    const refused = await this.checkLimits(message, { route, sender, parts: count });
    if (refused) return { settlement: refused };
    const begun = await this.store.begin(message, {
      addressHashes: recipient.hashes,
      provider: sender.provider,
      route: route.prefix,
      parts: count,
      price: priceOf(segmented, sender),
      currency: this.routes.currency,
      providerMessages: segmented.messages.length,
    });
    if (!begun) return { settlement: leaveChannel(message, 'withdrawn', 'opted_out') };
    return this.hand(segmented, sender, message, recipient.to);
  }

  /** Gives the provider one message after the other; those that it has taken before are not sent again. */
  private async hand(
    { messages }: SegmentedMessage,
    { provider, sender }: SmsSender,
    message: ClaimedMessage,
    to: string,
  ): Promise<Attempt> {
    const taken = messages.length > message.providerIds.length ? [...message.providerIds] : [];
    for (const [n, text] of messages.entries()) {
      if (n < taken.length) continue;
      const result = await this.providers.send(provider, { id: message.id, to, sender, text });
      if (result.is === 'delivered') taken.push(result.id ?? `${message.id}:${n + 1}`);
      else if (n === 0 && mayAskAnother(result)) return { result };
      else {
        const after = afterResult(message, result, { now: new Date(), backoff: backoffMs(message.attempts) });
        return { settlement: after.channel === undefined ? { ...after, providerIds: taken } : after };
      }
    }
    return { settlement: { state: 'sent', providerIds: taken } };
  }
}
