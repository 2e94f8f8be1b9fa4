import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { type Budget, budgetOf, WITHOUT_REDIS } from '../../platform/budgets/budget.js';
import { BudgetStore, type TokenGrant } from '../../platform/budgets/budget.store.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { SmsRoute, SmsSender } from '../../platform/config/message-settings.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { KeyedRateLimiter } from '../../platform/rate-limits/keyed-rate-limiter.js';
import type { ClaimedMessage, MessageChannel } from '../message.js';
import { MessageStore } from '../queue/message.store.js';

const SECONDS_OF_A_DAY = 86_400;
const SECONDS_OF_AN_HOUR = 3_600;
/** While Redis is away, what was sent is counted in PostgreSQL, which the last few sends may have to reach yet. */
const NOT_GRANTED: TokenGrant = { granted: 0, waitMs: 60_000 };
const GRANTED: TokenGrant = { granted: 1, waitMs: 0 };
const WARN_EVERY_MS = 60_000;

const spread = (count: number, seconds: number): Budget => ({ perSecond: count / seconds, burst: count });

/** How many texts and mails may be sent now: by senders, to users, to the numbers of a prefix. In Redis; while it is away, by PostgreSQL. */
@Injectable()
export class MessageLimitsService {
  private readonly log = new Logger('messages');
  private readonly perDay: Record<MessageChannel, number>;
  private readonly mails: Budget;
  private readonly capped: Counter<'prefix'>;
  private readonly warnedAt = new Map<string, number>();
  /** Until when each sender's room is promised to what was refused here, on the monotonic clock. */
  private readonly freeAt = new Map<string, number>();
  /** Each node's own share while Redis is away. */
  private readonly withoutRedis = new Map<string, KeyedRateLimiter>();

  constructor(
    private readonly budgets: BudgetStore,
    private readonly messages: MessageStore,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    this.perDay = { sms: config.SMS_PER_USER_PER_DAY, email: config.EMAIL_PER_USER_PER_DAY };
    this.mails = budgetOf(config.SMTP_PER_MINUTE);
    this.capped = metrics.counter(
      'message_prefix_capped_total',
      'Texts that waited since more went to the numbers of their prefix than `maxPerHour`. Alarm on any: somebody may be pumping.',
      ['prefix'],
    );
  }

  /** Takes the message from those that its user may get in a day. */
  takeForUser(message: ClaimedMessage): Promise<TokenGrant> {
    const { userId, channel } = message;
    const limit = this.perDay[channel];
    return this.budgets
      .take(`messages:${channel}:${userId}`, spread(limit, SECONDS_OF_A_DAY), 1, 0)
      .catch(async () => ((await this.messages.countOfUser(message, limit)) < limit ? GRANTED : NOT_GRANTED));
  }

  /** Takes the parts of a text that the numbers of the route may get in an hour. */
  async takeForRoute({ prefix, maxPerHour }: SmsRoute, parts: number): Promise<TokenGrant> {
    if (maxPerHour === undefined) return { granted: parts, waitMs: 0 };
    const budget = spread(maxPerHour, SECONDS_OF_AN_HOUR);
    const grant = await this.budgets
      .take(`messages:route:${prefix}`, budget, parts, 0)
      .catch(async () =>
        (await this.messages.countOfRoute(prefix, maxPerHour)) + parts <= maxPerHour
          ? { granted: parts, waitMs: 0 }
          : NOT_GRANTED,
      );
    if (grant.granted >= parts) return grant;
    this.alarm(prefix);
    if (grant.granted > 0)
      await this.budgets.take(`messages:route:${prefix}`, budget, -grant.granted, 0).catch(() => undefined);
    return { granted: 0, waitMs: grant.waitMs };
  }

  /** Takes the parts of a text that its sender may send in a second. */
  takeForSender({ provider, sender, perSecond }: SmsSender, parts: number): Promise<TokenGrant> {
    const budget = { perSecond, burst: Math.max(perSecond, parts) };
    return this.take(`messages:sender:${provider}:${sender}`, budget, parts);
  }

  /** Takes one of the mails that the mail server may be sent. */
  takeForMail(): Promise<TokenGrant> {
    return this.take('messages:mail', this.mails, 1);
  }

  /** What is not granted is to come back in turn, each when there is room for it: all at once, they would be claimed and refused together. */
  private async take(name: string, budget: Budget, wanted: number): Promise<TokenGrant> {
    const grant = await this.takeShared(name, budget, wanted);
    if (grant.granted >= wanted) return grant;
    if (grant.granted > 0) await this.budgets.take(name, budget, -grant.granted, 0).catch(() => undefined);
    const now = monotonicNow();
    const freeAt = Math.max(this.freeAt.get(name) ?? 0, now + grant.waitMs);
    this.freeAt.set(name, freeAt + (1_000 * wanted) / budget.perSecond);
    return { granted: 0, waitMs: freeAt - now };
  }

  private takeShared(name: string, budget: Budget, wanted: number): Promise<TokenGrant> {
    return this.budgets.take(name, budget, wanted, 0).catch(() => {
      let limiter = this.withoutRedis.get(name);
      if (!limiter) {
        const perSecond = budget.perSecond * WITHOUT_REDIS.rateShare;
        // What one second allows may go at once: a claim brings many, and those that are refused come back only seconds later.
        limiter = new KeyedRateLimiter(perSecond, Math.max(wanted, perSecond));
        this.withoutRedis.set(name, limiter);
      }
      if (limiter.take(name)) return { granted: wanted, waitMs: 0 };
      return { granted: 0, waitMs: limiter.bucketOf(name).waitMs };
    });
  }

  private alarm(prefix: string): void {
    this.capped.inc({ prefix });
    const now = monotonicNow();
    if (now - (this.warnedAt.get(prefix) ?? -Infinity) < WARN_EVERY_MS) return;
    this.warnedAt.set(prefix, now);
    this.log.warn(`more texts go to ${prefix} than its maxPerHour: they wait`);
  }
}
