import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { type Budget, WITHOUT_REDIS } from '../../platform/budgets/budget.js';
import { BudgetStore, type TokenGrant } from '../../platform/budgets/budget.store.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { SmsRoute, SmsSender } from '../../platform/config/message-settings.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { TokenBucket } from '../../platform/rate-limits/token-bucket.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { ClaimedMessage, MessageChannel } from '../message.js';
import { MessageStore } from '../queue/message.store.js';
import type { Turn } from './next-step.js';
import { capReserveOf, reserveOf, sendingBudget } from './sending-budget.js';

const SECONDS_OF_A_DAY = 86_400;
const SECONDS_OF_AN_HOUR = 3_600;
/** While Redis is away, what was sent is counted in PostgreSQL, which the last few sends may have to reach yet. */
const NOT_GRANTED: TokenGrant = { granted: 0, waitMs: 60_000 };
const GRANTED: TokenGrant = { granted: 1, waitMs: 0 };
const WARN_EVERY_MS = 60_000;
/** Mails that a mail server takes at once however slow it is: a fifth of them is one, for a critical mail. */
const FEWEST_MAILS = 5;

/** A sender or the mail server. */
interface SendingLimit {
  readonly name: string;
  readonly perSecond: number;
  /** What the longest message takes. */
  readonly longest: number;
}

const spread = (count: number, seconds: number): Budget => ({ perSecond: count / seconds, burst: count });
const routeBudget = ({ prefix }: SmsRoute): string => `messages:route:${prefix}`;

/** How many texts and mails may be sent now: by senders, to users, to the numbers of a prefix. In Redis; while it is away, by PostgreSQL. */
@Injectable()
export class MessageLimitsService {
  private readonly log = new Logger('messages');
  private readonly perDay: Record<MessageChannel, number>;
  private readonly maxParts: number;
  private readonly mails: SendingLimit;
  private readonly capped: Counter<'prefix'>;
  private readonly warnedAt = new Map<string, number>();
  /** Until when each limit's room is promised to what was refused here, by tier, on the monotonic clock. */
  private readonly freeAt = new Map<string, number>();
  /** Each node's own share while Redis is away. */
  private readonly withoutRedis = new Map<string, TokenBucket>();

  constructor(
    private readonly budgets: BudgetStore,
    private readonly messages: MessageStore,
    @Inject(CONFIG) config: Config,
    metrics: MetricsService,
  ) {
    this.perDay = { sms: config.SMS_PER_USER_PER_DAY, email: config.EMAIL_PER_USER_PER_DAY };
    this.maxParts = config.SMS_MAX_PARTS;
    this.mails = { name: 'messages:mail', perSecond: config.SMTP_PER_MINUTE / 60, longest: FEWEST_MAILS };
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

  /** Takes the parts of a text that the numbers of the route may get in an hour. Returns the turn of one that is refused. */
  async takeForRoute(route: SmsRoute, tier: DurableTier, parts: number): Promise<Turn | undefined> {
    const { prefix, maxPerHour } = route;
    if (maxPerHour === undefined) return undefined;
    const budget = spread(maxPerHour, SECONDS_OF_AN_HOUR);
    const name = routeBudget(route);
    const reserve = capReserveOf(tier, budget, parts);
    const grant = await this.budgets
      .take(name, budget, parts, reserve)
      .catch(async () =>
        (await this.messages.countOfRoute(prefix, maxPerHour)) + parts + reserve <= maxPerHour
          ? { granted: parts, waitMs: 0 }
          : NOT_GRANTED,
      );
    if (grant.granted >= parts) return undefined;
    this.alarm(prefix);
    return this.refuse({ name, tier, budget, wanted: parts }, grant);
  }

  /** Returns the parts of a text that does not go now. Does nothing while Redis is down. */
  async giveBackForRoute(route: SmsRoute, parts: number): Promise<void> {
    if (route.maxPerHour === undefined) return;
    await this.giveBack(routeBudget(route), spread(route.maxPerHour, SECONDS_OF_AN_HOUR), parts);
  }

  /** Takes the parts of a text that its sender may send in a second. Returns the turn of one that is refused. */
  takeForSender(sender: SmsSender, tier: DurableTier, parts: number): Promise<Turn | undefined> {
    return this.take(this.limitOf(sender), tier, parts);
  }

  /** Returns the parts of a text that does not go now. Does nothing while Redis is down. */
  giveBackForSender(sender: SmsSender, parts: number): Promise<void> {
    const { name, perSecond, longest } = this.limitOf(sender);
    return this.giveBack(name, sendingBudget(perSecond, longest), parts);
  }

  /** Takes one of the mails that the mail server may be sent. Returns the turn of one that is refused. */
  takeForMail(tier: DurableTier): Promise<Turn | undefined> {
    return this.take(this.mails, tier, 1);
  }

  /** Returns a mail that does not go now. Does nothing while Redis is down. */
  giveBackForMail(): Promise<void> {
    const { name, perSecond, longest } = this.mails;
    return this.giveBack(name, sendingBudget(perSecond, longest), 1);
  }

  private limitOf({ provider, sender, perSecond }: SmsSender): SendingLimit {
    return { name: `messages:sender:${provider}:${sender}`, perSecond, longest: this.maxParts };
  }

  private async take(limit: SendingLimit, tier: DurableTier, wanted: number): Promise<Turn | undefined> {
    const { name, perSecond, longest } = limit;
    const budget = sendingBudget(perSecond, longest);
    const grant = await this.budgets
      .take(name, budget, wanted, reserveOf(tier, budget, wanted))
      .catch(() => this.takeWithoutRedis(limit, tier, wanted));
    return grant.granted >= wanted ? undefined : this.refuse({ name, tier, budget, wanted }, grant);
  }

  private takeWithoutRedis(
    { name, perSecond, longest }: SendingLimit,
    tier: DurableTier,
    wanted: number,
  ): TokenGrant {
    // What one second allows may go at once: a claim brings many, and those that are refused come back only seconds later.
    const budget = sendingBudget(perSecond * WITHOUT_REDIS.rateShare, longest);
    let bucket = this.withoutRedis.get(name);
    if (!bucket) {
      bucket = new TokenBucket(budget.perSecond, budget.burst, monotonicNow(), 0);
      this.withoutRedis.set(name, bucket);
    }
    const reserve = reserveOf(tier, budget, wanted);
    if (!bucket.take(monotonicNow(), wanted + reserve))
      return { granted: 0, waitMs: bucket.waitMsFor(wanted + reserve) };
    bucket.spend(-reserve);
    return { granted: wanted, waitMs: 0 };
  }

  /**
   * What is refused is to come back in turn, each when there is room for it: all at once, they would be claimed and refused together. Critical messages
   * wait for critical ones only.
   */
  private async refuse(
    { name, tier, budget, wanted }: { name: string; tier: DurableTier; budget: Budget; wanted: number },
    grant: TokenGrant,
  ): Promise<Turn> {
    await this.giveBack(name, budget, grant.granted);
    const now = monotonicNow();
    const key = `${tier}:${name}`;
    const freeAt = Math.max(this.freeAt.get(key) ?? 0, now + grant.waitMs);
    this.freeAt.set(key, freeAt + (1_000 * wanted) / budget.perSecond);
    return { waitMs: freeAt - now, soonestMs: grant.waitMs };
  }

  private async giveBack(name: string, budget: Budget, count: number): Promise<void> {
    if (count > 0) await this.budgets.take(name, budget, -count, 0).catch(() => undefined);
  }

  private alarm(prefix: string): void {
    this.capped.inc({ prefix });
    const now = monotonicNow();
    if (now - (this.warnedAt.get(prefix) ?? -Infinity) < WARN_EVERY_MS) return;
    this.warnedAt.set(prefix, now);
    this.log.warn(`more texts go to ${prefix} than its maxPerHour: they wait`);
  }
}
