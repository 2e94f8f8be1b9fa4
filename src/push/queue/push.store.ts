import { Injectable } from '@nestjs/common';
import { isAcknowledged, isSeen, furthestStates } from '../../delivery/receipts/receipt.fragments.js';
import type { DurableEventRef, EventQuery, SentEventLookup } from '../../delivery/receipts/receipt.js';
import {
  allowsPushOf,
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
import { Database, type Statement } from '../../platform/postgres/database.js';
import { statement } from '../../platform/postgres/statement.js';
import type { DurableTier } from '../../platform/tiers.js';
import { PROVIDER_OF_KIND, type ProviderName, type Push, type PushSettlement } from './push.js';

const ENQUEUE = statement('enqueue-pushes.sql', import.meta.url, {
  claimHandoffs: claimHandoffs({ consumer: `'push'`, tier: '$3', ageMs: '$4', limit: '$5' }),
  entryAt: entryAt({ userId: 'p.pair ->> 0', offset: '(p.pair ->> 1)::bigint' }),
  pushableDevices: pushableDevicesOf('e.user_id'),
  isAcknowledged: isAcknowledged({ userId: 'e.user_id', eventId: 'e.id', deviceId: 'd.device_id' }),
  allowsPush: allowsPushOf({ userId: 'e.user_id', type: 'e.type' }),
});
const CLEAR = statement('clear-shown.sql', import.meta.url);
const FIND_SENT = statement('find-sent.sql', import.meta.url, { epoch: epochOf('$1') });
const SETTLE = statement('settle-pushes.sql', import.meta.url);
const BACKLOG = statement('count-backlog.sql', import.meta.url);
const DELETE_SETTLED = statement('delete-settled.sql', import.meta.url);
const PROVIDERS_BY_KIND = JSON.stringify(PROVIDER_OF_KIND);
/** A worker that died settles nothing; longer than any provider is waited for. */
const LEASE_MS = 60_000;
/** Counting more would cost more than the number is worth. */
const COUNT_AT_MOST = 1_000_000;

/** Where an event is: its user and offset; and the devices that are connected, if it is known which. */
export type EventPlace = readonly [userId: string, offset: number, connected?: readonly string[]];

/** How many commits were taken over, and how many pushes that made. */
export interface ScheduledPushes {
  readonly commits: number;
  readonly pushes: number;
}

/** A push, and what became of it. */
export type SettledPush = readonly [push: Push, settlement: PushSettlement];

export interface PushBacklog {
  readonly vendor: ProviderName;
  readonly tier: DurableTier;
  readonly waiting: number;
}

/** The queue of pushes. Each tier's pushes are read and written on that lane's own connections. */
@Injectable()
export class PushStore implements SentEventLookup {
  private readonly claimStatement: Statement;

  constructor(
    private readonly database: Database,
    mailbox: MailboxFragments,
  ) {
    const event = { userId: 'c.user_id', eventId: 'c.event_id', deviceId: 'c.device_id' };
    const shown = { userId: 'o.user_id', key: 'o.key', id: 'o.event_id' };
    this.claimStatement = statement('claim-pushes.sql', import.meta.url, {
      target: pushTarget(event),
      newestData: mailbox.newestData({ userId: 'c.user_id', key: 'c.key', id: 'c.event_id' }),
      preferences: preferencesOf('c.user_id'),
      furthestStates: furthestStates(event),
      isNewest: isNewest(shown),
      isSeen: isSeen({ userId: 'o.user_id', eventId: 'o.event_id' }),
    });
  }

  /** Queues pushes for at most `limit` commits of the tier that are at least `ageMs` old and lack receipts. */
  enqueueDue(tier: DurableTier, ageMs: number, limit: number): Promise<ScheduledPushes> {
    return this.enqueue(tier, [], [tier, ageMs, limit]);
  }

  /** Queues pushes of these events for devices that sleep, without waiting for receipts. Returns how many pushes are new. */
  async enqueueNow(places: readonly EventPlace[]): Promise<number> {
    return (await this.enqueue('critical', places, [null, 0, 0])).pushes;
  }

  /** Queues the removal of what was shown on the user's other devices. Returns how many of them there are. */
  async clearOnOtherDevices(userId: string, deviceId: string, eventIds: readonly string[]): Promise<number> {
    return (await this.database.run('important', CLEAR, [userId, deviceId, eventIds])).length;
  }

  findSent({ userId, deviceId, offsets, ids }: EventQuery): Promise<DurableEventRef[]> {
    return this.database.run('important', FIND_SENT, [userId, deviceId, offsets, ids]);
  }

  /** Claims pushes that are due; they are due again after a minute unless they are settled. */
  claim(provider: ProviderName, tier: DurableTier, limit: number): Promise<Push[]> {
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
    const rows = settled.map(([{ userId, deviceId, eventId }, settlement]) => ({
      userId,
      deviceId,
      eventId,
      ...settlement,
    }));
    await this.database.run(tier, SETTLE, [JSON.stringify(rows)]);
  }

  /** How many pushes are due, by provider and tier; counted up to a million. */
  backlog(): Promise<PushBacklog[]> {
    return this.database.run('routine', BACKLOG, [COUNT_AT_MOST]);
  }

  /** Removes at most `limit` pushes that were settled so many days ago. Returns how many. */
  async deleteSettled(days: number, limit: number): Promise<number> {
    return (await this.database.run('routine', DELETE_SETTLED, [days, limit])).length;
  }

  private async enqueue(
    lane: DurableTier,
    places: readonly EventPlace[],
    due: readonly [tier: DurableTier | null, ageMs: number, limit: number],
  ): Promise<ScheduledPushes> {
    const values = [JSON.stringify(places), PROVIDERS_BY_KIND, ...due, STALE_AFTER_DAYS];
    const [row] = await this.database.run<ScheduledPushes>(lane, ENQUEUE, values);
    return row ?? { commits: 0, pushes: 0 };
  }
}
