import { Inject, Injectable } from '@nestjs/common';
import {
  isAcknowledged,
  isConfirmed,
  isSeen,
  furthestStates,
} from '../../delivery/receipts/receipt.fragments.js';
import type { DurableEventRef, EventQuery, SentEventLookup } from '../../delivery/receipts/receipt.js';
import {
  allowsPushOf,
  isToldAtOnce,
  preferencesOf,
  pushableDevicesOf,
  pushTarget,
} from '../../devices/device.fragments.js';
import { STALE_AFTER_DAYS } from '../../devices/device.js';
import {
  claimHandoffs,
  entryAt,
  epochOf,
  isNewest,
  MailboxFragments,
} from '../../mailbox/mailbox.fragments.js';
import { enqueueFallbacks } from '../../messages/queue/message.fragments.js';
import { Database, type Statement, type Transaction } from '../../platform/postgres/database.js';
import { named, statement } from '../../platform/postgres/statement.js';
import type { DurableTier } from '../../platform/tiers.js';
import {
  providerNamesByKind,
  PUSH_PROVIDERS,
  type PushProviderDefinition,
} from '../providers/push-provider.js';
import { type Push, PUSH_STATES, type PushSettlement } from './push.js';
import { pauseOf } from './push.fragments.js';

const ENQUEUE = statement('enqueue-pushes.sql', import.meta.url, {
  claimHandoffs: claimHandoffs({ consumer: `'push'`, tier: '$3', ageMs: '$4', limit: '$5' }),
  entryAt: entryAt({ userId: 'w.event ->> 0', offset: '(w.event ->> 1)::bigint' }),
  pushableDevices: pushableDevicesOf('e.user_id'),
  isAcknowledged: isAcknowledged({ userId: 'e.user_id', eventId: 'e.id', deviceId: 'd.device_id' }),
  allowsPush: allowsPushOf({ userId: 'e.user_id', type: 'e.type' }),
  enqueueFallbacks: enqueueFallbacks({
    events: `claimed CROSS JOIN LATERAL json_array_elements(claimed.positions) AS w (event)
      CROSS JOIN LATERAL (${entryAt({ userId: 'w.event ->> 0', offset: '(w.event ->> 1)::bigint' })}) e`,
    isConfirmed: isConfirmed({ userId: 'e.user_id', eventId: 'e.id' }),
    isWanted: isToldAtOnce({ userId: 'e.user_id', type: 'e.type' }),
  }),
});
const LIST_DUE_PROVIDERS = statement('list-due-providers.sql', import.meta.url, {
  pause: pauseOf({ vendor: 'provider', tier: '$2' }),
});
const CLEAR_SHOWN = statement('clear-shown.sql', import.meta.url);
const FIND_SENT = statement('find-sent.sql', import.meta.url, { epoch: epochOf('$1') });
const SETTLE = statement('settle-pushes.sql', import.meta.url);
const OF_CAMPAIGN = named(
  'pushes-of-campaign',
  `SELECT 'push' AS channel, s.state, (
     SELECT count(*)::int FROM (SELECT FROM push p WHERE p.campaign_id = $1 AND p.state = s.state LIMIT $3) counted
   ) AS count FROM unnest($2::text[]) AS s (state)`,
);
const BACKLOG = statement('count-backlog.sql', import.meta.url);
/** Not one that is being sent: its result would find no row. */
const FORGET = named(
  'push-forget',
  `DELETE FROM push WHERE user_id = $1 AND event_id = $2 AND device_id = ANY ($3) AND state <> 'sent'`,
);
const QUEUED_DEVICES = named(
  'push-queued-devices',
  `SELECT device_id AS "deviceId" FROM push
   WHERE user_id = $1 AND event_id = $2 AND device_id = ANY ($3) AND state IN ('queued', 'sent')`,
);
/** After this, pushes of a worker that died are claimed again. Longer than the timeout of any provider. */
const LEASE_MS = 60_000;
/** To count more would cost more than the number is worth. */
const MAX_COUNT = 1_000_000;

/** An event to be pushed: its user, its offset, and the ids of the user's connected devices if they are known. */
export type UndeliveredEvent = readonly [userId: string, offset: number, connected?: readonly string[]];

/** Commits to be claimed, as enqueue-pushes.sql takes them; a null claims none. */
type DueCommits = readonly [tier: DurableTier | null, ageMs: number, limit: number];

/** An event to be pushed again. */
export interface PushAgain {
  readonly userId: string;
  readonly eventId: string;
  readonly offset: number;
  readonly deviceIds: readonly string[];
  readonly others: readonly string[];
}

/** How many commits were claimed, and how many pushes are new. */
export interface EnqueuedPushes {
  readonly commits: number;
  readonly pushes: number;
}

/** A claimed push, and what became of it. */
export type SettledPush = readonly [push: Push, settlement: PushSettlement];

/** How many pushes of one provider and tier are due. */
export interface PushBacklog {
  readonly provider: string;
  readonly tier: DurableTier;
  readonly waiting: number;
}

/** The queue of pushes: the table push. Each tier is read and written on the database connections of its own lane. */
@Injectable()
export class PushStore implements SentEventLookup {
  private readonly claimStatement: Statement;
  private readonly providersByKind: string;
  private readonly providerNames: readonly string[];

  constructor(
    private readonly database: Database,
    mailbox: MailboxFragments,
    @Inject(PUSH_PROVIDERS) providers: readonly PushProviderDefinition[],
  ) {
    this.providersByKind = JSON.stringify(providerNamesByKind(providers));
    this.providerNames = providers.map(({ name }) => name);
    const event = { userId: 'c.user_id', eventId: 'c.event_id', deviceId: 'c.device_id' };
    const other = { userId: 'o.user_id', key: 'o.key', id: 'o.event_id' };
    this.claimStatement = statement('claim-pushes.sql', import.meta.url, {
      pause: pauseOf({ vendor: '$1', tier: '$2' }),
      target: pushTarget(event),
      newestData: mailbox.newestData({ userId: 'c.user_id', key: 'c.key', id: 'c.event_id' }),
      preferences: preferencesOf('c.user_id'),
      furthestStates: furthestStates(event),
      isNewest: isNewest(other),
      isSeen: isSeen({ userId: 'o.user_id', eventId: 'o.event_id' }),
    });
  }

  /** Queues pushes for at most `limit` commits of the tier that are at least `ageMs` old and lack receipts. */
  enqueueDue(tier: DurableTier, ageMs: number, limit: number): Promise<EnqueuedPushes> {
    return this.enqueue(tier, [], [tier, ageMs, limit]);
  }

  /** Queues pushes of these events for devices that are not connected, without waiting for receipts. Returns how many are new. */
  async enqueueNow(events: readonly UndeliveredEvent[]): Promise<number> {
    return (await this.enqueue('critical', events, [null, 0, 0])).pushes;
  }

  /**
   * Queues the event for these devices anew, whatever became of its push before, and returns those for which it is queued then: not for a
   * device without an address, nor against the user's preferences. `others`: the user's other devices, for which nothing changes.
   */
  async queueAgain(
    tx: Transaction,
    { userId, eventId, offset, deviceIds, others }: PushAgain,
  ): Promise<string[]> {
    const of = [userId, eventId, deviceIds];
    await tx.run(FORGET, of);
    await tx.run(ENQUEUE, this.toEnqueue([[userId, offset, others]], [null, 0, 0]));
    const rows = await tx.run<{ deviceId: string }>(QUEUED_DEVICES, of);
    return rows.map(({ deviceId }) => deviceId);
  }

  /** Queues the removal of these events' notifications from the user's other devices. Returns how many removals were queued. */
  async clearOnOtherDevices(userId: string, deviceId: string, eventIds: readonly string[]): Promise<number> {
    return (await this.database.run('important', CLEAR_SHOWN, [userId, deviceId, eventIds])).length;
  }

  /** Returns those of the named events that were pushed to the device or are queued for it. */
  findSent({ userId, deviceId, offsets, ids }: EventQuery): Promise<DurableEventRef[]> {
    return this.database.run('important', FIND_SENT, [userId, deviceId, offsets, ids]);
  }

  /** Returns the providers that have pushes of the tier to claim. */
  async listDueProviders(tier: DurableTier): Promise<string[]> {
    const values = [this.providerNames, tier];
    const rows = await this.database.run<{ provider: string }>(tier, LIST_DUE_PROVIDERS, values);
    return rows.map(({ provider }) => provider);
  }

  /** Claims at most `limit` pushes that are due. They are due again after a minute unless they are settled. */
  claim(provider: string, tier: DurableTier, limit: number): Promise<Push[]> {
    return this.database.run<Push>(tier, this.claimStatement, [
      provider,
      tier,
      limit,
      LEASE_MS,
      STALE_AFTER_DAYS,
    ]);
  }

  /** Writes what became of claimed pushes. */
  async settle(tier: DurableTier, settled: readonly SettledPush[]): Promise<void> {
    const rows = settled.map(([{ userId, deviceId, eventId }, { state, reason, dueInMs, tried }]) => ({
      userId,
      deviceId,
      eventId,
      state,
      reason,
      dueInMs,
      tried,
    }));
    await this.database.run(tier, SETTLE, [JSON.stringify(rows)]);
  }

  /** How many pushes are due, by provider and tier; counted up to a million. */
  backlog(): Promise<PushBacklog[]> {
    return this.database.run('routine', BACKLOG, [MAX_COUNT]);
  }

  /** Returns what became of the pushes of a campaign, one for each device. Counts stop at a million. */
  outcomesOfCampaign(campaignId: string): Promise<{ channel: string; state: string; count: number }[]> {
    // `sent` is a push that a provider has not returned a result of.
    return this.database.run('routine', OF_CAMPAIGN, [campaignId, [...PUSH_STATES, 'sent'], MAX_COUNT]);
  }

  private async enqueue(
    lane: DurableTier,
    events: readonly UndeliveredEvent[],
    due: DueCommits,
  ): Promise<EnqueuedPushes> {
    const [row] = await this.database.run<EnqueuedPushes>(lane, ENQUEUE, this.toEnqueue(events, due));
    return row ?? { commits: 0, pushes: 0 };
  }

  private toEnqueue(events: readonly UndeliveredEvent[], due: DueCommits): unknown[] {
    return [JSON.stringify(events), this.providersByKind, ...due, STALE_AFTER_DAYS];
  }
}
