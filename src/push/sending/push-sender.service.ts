import { Inject, Injectable, Logger } from '@nestjs/common';
import { type DeadAddress, deviceKey } from '../../devices/device.js';
import { DevicesService } from '../../devices/devices.service.js';
import { PLAYBACK_ACTIVITY, type PlaybackActivity } from '../../devices/playback-activity.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { backoffMs } from '../../platform/sending/backoff.js';
import { rejected, type SendResult } from '../../platform/sending/send-result.js';
import { withTimeout } from '../../platform/scheduling/timeout.js';
import type { DurableTier } from '../../platform/tiers.js';
import { TemplateCatalogService } from '../../templates/catalog/template-catalog.service.js';
import { plainWordsOf } from '../../templates/content/plain-words.js';
import type { NotificationText } from '../../templates/template.js';
import { renderPush } from '../content/render-push.js';
import { PushProvidersService } from '../providers/push-providers.service.js';
import type { PreparedPush, Push, PushSettlement } from '../queue/push.js';
import type { SettledPush } from '../queue/push.store.js';
import { BudgetsService } from './budgets.service.js';
import { decide, type DecisionContext } from './push-decision.js';
import { retryLater, toSettlement } from './retry.js';

/** Results are settled in groups at this interval while others are awaited. What is not settled when this worker dies is sent twice. */
const GROUP_MS = 100;

/** What Usher itself failed to do; its log says why. Such a push is not tried again: it would fail again, each time with its batch. */
const INTERNAL = 'internal';

type SentPush = PreparedPush & { readonly result: SendResult };

/** Decides about pushes that are due, sends those that are wanted, and turns results into settlements. */
@Injectable()
export class PushSenderService {
  private readonly log = new Logger('push');

  constructor(
    private readonly providers: PushProvidersService,
    private readonly budgets: BudgetsService,
    private readonly devices: DevicesService,
    @Inject(PLAYBACK_ACTIVITY) private readonly playbackActivity: PlaybackActivity,
    private readonly templates: TemplateCatalogService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Returns the pushes to send with their messages, and the settlements of all others. */
  async prepare(pushes: readonly Push[]): Promise<{ outgoing: PreparedPush[]; settled: SettledPush[] }> {
    const settled: SettledPush[] = [];
    const outgoing = await this.limitPerDevice(await this.selectWanted(pushes, settled), settled);
    return { outgoing, settled };
  }

  /**
   * Sends all at once, and yields settlements in groups as the results come. Each push gets one. Throws only when PostgreSQL is down: the
   * pushes are due again later.
   */
  async *send(tier: DurableTier, outgoing: readonly PreparedPush[]): AsyncGenerator<SettledPush[]> {
    let sent: SentPush[] = [];
    let pending = outgoing.length;
    const all = Promise.all(
      outgoing.map(async (prepared) => {
        const one = await this.sendOne(prepared);
        // Only now: the group before may have been taken away meanwhile.
        sent.push(one);
        pending -= 1;
      }),
    );
    // The last results may have come while the group before was settled.
    while (pending > 0 || sent.length > 0) {
      await withTimeout(GROUP_MS, all).catch(() => undefined);
      const group = sent;
      sent = [];
      if (group.length > 0) yield await this.toSettlements(tier, group);
    }
  }

  private async selectWanted(pushes: readonly Push[], settled: SettledPush[]): Promise<PreparedPush[]> {
    const playing = await this.findPlaying(pushes);
    const heartbeatMs = this.config.HEARTBEAT_SECONDS * 1_000;
    const outgoing: PreparedPush[] = [];
    for (const push of pushes) {
      const wanted = this.prepareOne(push, {
        now: new Date(),
        playing: playing.has(deviceKey(push)),
        heartbeatMs,
      });
      if ('state' in wanted) settled.push([push, wanted]);
      else outgoing.push(wanted);
    }
    return outgoing;
  }

  /** Never throws: a push about which nothing can be decided, or that cannot be rendered, fails alone. */
  private prepareOne(push: Push, context: DecisionContext): PreparedPush | PushSettlement {
    try {
      const decision = decide(push, context);
      if (decision !== 'send') return decision;
      if (!push.target) throw new Error('a push without an address is not sent');
      return { push, message: renderPush(push, push.target, this.wordsOf(push)) };
    } catch (error) {
      this.logFailure(push, error);
      return { state: 'failed', reason: INTERNAL, tried: 0 };
    }
  }

  /** The words of the template that is named as the event's type; without one, those that its data has. */
  private wordsOf({ type, data, locale, action }: Push): NotificationText | undefined {
    if (action === 'clear') return undefined;
    const rendered = this.templates.renderEvent({ type, data }, 'push', locale);
    return rendered?.channel === 'push' ? rendered.words : plainWordsOf(data);
  }

  /** Never throws: a push without a result would keep its batch open for ever. */
  private async sendOne({ push, message }: PreparedPush): Promise<SentPush> {
    try {
      return { push, message, result: await this.providers.send(message) };
    } catch (error) {
      this.logFailure(push, error);
      return { push, message, result: rejected(INTERNAL) };
    }
  }

  private logFailure({ eventId, deviceId }: Push, error: unknown): void {
    this.log.error(error, `the push of event ${eventId} to device ${deviceId} failed`);
  }

  /** Returns the keys (deviceKey) of the devices that play something; only for pushes that this can postpone. */
  private async findPlaying(pushes: readonly Push[]): Promise<ReadonlySet<string>> {
    const postponable = pushes.filter(({ tier, action }) => tier !== 'critical' && action === 'show');
    return postponable.length === 0 ? new Set() : this.playbackActivity.playing(postponable);
  }

  /** Postpones pushes to devices whose budget is used up. The removal of a notification is dropped instead: it is not worth a delay. */
  private async limitPerDevice(
    outgoing: readonly PreparedPush[],
    settled: SettledPush[],
  ): Promise<PreparedPush[]> {
    const grants = await this.budgets.takeForDevices(outgoing);
    return outgoing.filter(({ push }, n) => {
      const grant = grants[n];
      if (!grant || grant.granted > 0) return true;
      const reason = 'device_budget';
      settled.push([
        push,
        push.action === 'clear'
          ? { state: 'withdrawn', reason, tried: 0 }
          : { state: 'queued', reason, dueInMs: grant.waitMs, tried: 0 },
      ]);
      return false;
    });
  }

  /** Returns the keys (deviceKey) of the devices that lost their address; undefined if that could not be written. */
  private async forgetAddresses(
    tier: DurableTier,
    dead: readonly DeadAddress[],
  ): Promise<ReadonlySet<string> | undefined> {
    if (dead.length === 0) return new Set();
    try {
      return await this.devices.forgetAddresses(tier, dead);
    } catch (error) {
      if (isOutage(error)) throw error;
      this.log.error(error);
      return undefined;
    }
  }

  private async toSettlements(tier: DurableTier, sent: readonly SentPush[]): Promise<SettledPush[]> {
    const now = new Date();
    const dead = sent.flatMap(({ push: { userId, deviceId }, message: { to }, result }) =>
      result.is === 'unregistered' ? [{ userId, deviceId, address: to.address, since: result.since }] : [],
    );
    const forgotten = await this.forgetAddresses(tier, dead);
    return sent.map(({ push, result }): SettledPush => {
      if (result.is !== 'unregistered') return [push, toSettlement(push, result, now)];
      if (forgotten === undefined) return [push, retryLater(push, backoffMs(push.attempts), now, 'internal')];
      if (forgotten.has(deviceKey(push))) return [push, { state: 'gone', reason: result.reason, tried: 1 }];
      // The app has registered since: its present address may be good.
      return [push, retryLater(push, backoffMs(push.attempts), now, 'registered_since')];
    });
  }
}
