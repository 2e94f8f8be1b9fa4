import { Injectable } from '@nestjs/common';
import {
  newestEventsWithReceipts,
  offsetByReceipts,
  receiptsOf,
  statesByDevice,
} from '../delivery/receipts/receipt.fragments.js';
import { allowsPushOf, devicesOf, preferencesOf } from '../devices/device.fragments.js';
import type { Preferences } from '../devices/preferences/preferences.schema.js';
import { campaignSteps } from '../campaigns/campaign.fragments.js';
import { digestSteps } from '../digests/digest.fragments.js';
import { EVENT_TYPES } from '../mailbox/events/event-types.js';
import {
  lastOffsetOf,
  newestEntries,
  newestEventAt,
  newestEventId,
  newestPastEvents,
  offsetOfEvent,
  publishedFrom,
} from '../mailbox/mailbox.fragments.js';
import {
  linksOf,
  membershipSteps,
  subscriptionsOf,
  webhookSteps,
} from '../membership/membership.fragments.js';
import { messageOutcome } from '../messages/queue/message.fragments.js';
import { pushOutcome } from '../push/queue/push.fragments.js';
import { runningStreamsOf, streamSteps } from '../streams/stream.fragments.js';
import { Database } from '../platform/postgres/database.js';
import { fragment, named, statement } from '../platform/postgres/statement.js';
import type { KnownEvent } from './describe-event.js';
import type { CampaignOutcomeOfUser } from './explanations/explain-campaign.js';
import type { TimelinePlace } from './timeline.schema.js';

/**
 * The page of one kind of step, in the order of the timeline: see read-timeline.sql, also for `rank`. First by `at` alone, which an index may
 * have: PostgreSQL would sort all steps of a user, of whom it expects few, before it takes the first ones.
 */
const pageOf = ({ step, rank, steps }: { step: string; rank: number; steps: string }): string =>
  `SELECT n.at, ${rank}, n.ref, '${step}', n.what FROM (
      SELECT s.* FROM (${steps}) s
      WHERE s.at <= (SELECT b.at FROM bound b) AND (s.at, ${rank}, s.ref COLLATE "C") < (SELECT b.at, b.rank, b.ref FROM bound b)
      ORDER BY s.at DESC FETCH FIRST ($5) ROWS WITH TIES
    ) n ORDER BY n.at DESC, n.ref COLLATE "C" DESC LIMIT $5`;

/** For WITH: the newest `limit` events below the offset `below`. */
const eventsBelow = (below: string, limit: string): string => {
  const newest = { userId: '$1', below, limit };
  return fragment('known-events.sql', import.meta.url, {
    entries: newestEntries(newest),
    pastEvents: newestPastEvents(newest),
    eventsWithReceipts: newestEventsWithReceipts(newest),
  });
};
const EVENT_STEP = fragment('event-step.sql', import.meta.url, {
  receipts: receiptsOf({ userId: '$1', eventId: 'n.id' }),
  devices: devicesOf('$1'),
  isPushAllowed: allowsPushOf({ userId: '$1', type: 'n.type' }),
  messageOutcome: messageOutcome({ userId: '$1', eventId: 'n.id' }),
  pushOutcome: pushOutcome({
    userId: '$1',
    deviceId: 'coalesce(d.device_id, r.device_id)',
    eventId: 'n.id',
  }),
});
const TIMELINE = statement('read-timeline.sql', import.meta.url, {
  knownEvents: eventsBelow('(SELECT b."offset" FROM bound b)', '$5'),
  firstOffsetSince: fragment('first-offset-since.sql', import.meta.url, {
    lastOffset: lastOffsetOf('$1'),
    publishedFrom: publishedFrom({ userId: '$1', from: 'v."offset"' }),
    eventsUpTo: eventsBelow('s.middle + 1', '1'),
  }),
  eventStep: EVENT_STEP,
  membershipPage: pageOf({ step: 'membership', rank: 3, steps: membershipSteps('$1') }),
  webhookPage: pageOf({ step: 'webhook', rank: 2, steps: webhookSteps('$1') }),
  campaignPage: pageOf({ step: 'campaign', rank: 0, steps: campaignSteps('$1') }),
  digestPage: pageOf({ step: 'digest', rank: 0, steps: digestSteps('$1') }),
  streamPage: pageOf({ step: 'stream', rank: 1, steps: streamSteps('$1') }),
});
const EVENT = statement('read-event.sql', import.meta.url, {
  offsetByReceipts: offsetByReceipts({ userId: '$1', eventId: '$2::uuid' }),
  offsetOfEvent: offsetOfEvent({ userId: '$1', id: '$2::uuid' }),
  knownEvents: eventsBelow('(SELECT f."offset" + 1 FROM found f)', '1'),
  eventStep: EVENT_STEP,
});
const MEMBERSHIP_EVENT = {
  userId: '$1',
  key: `'${EVENT_TYPES['membership.changed'].keyPattern}'`,
};
const RECORD = named(
  'user-record',
  `SELECT ${subscriptionsOf('$1')} AS subscriptions, ${linksOf('$1')} AS links, ${runningStreamsOf('$1')} AS streams,
     (${preferencesOf('$1')}) AS preferences,
     ${statesByDevice({ userId: '$1', eventId: newestEventId(MEMBERSHIP_EVENT) })} AS "membershipReceipts",
     coalesce(${newestEventAt(MEMBERSHIP_EVENT)} > now() - $2 * interval '1 day', true) AS "areReceiptsComplete"`,
);

/** A step of the timeline as it is stored, with its place; `what` depends on the step. */
export type StoredStep = TimelinePlace &
  (
    | { readonly step: 'event'; readonly what: KnownEvent }
    | { readonly step: 'campaign'; readonly what: CampaignOutcomeOfUser }
    | { readonly step: 'webhook' | 'membership' | 'stream' | 'digest'; readonly what: object }
  );

/** What several folders store about one user. */
export interface UserRecord {
  readonly subscriptions: readonly object[];
  readonly links: readonly object[];
  readonly streams: readonly object[];
  /** As they were set; null for a user who has set none. */
  readonly preferences: Preferences | null;
  /** By device id, the rank of its receipt (receipt.ts) for the newest membership event. */
  readonly membershipReceipts: Readonly<Record<string, number>>;
  /** False when that event is so old that some of its receipts have been removed. */
  readonly areReceiptsComplete: boolean;
}

/** Reads what happened from the tables of many folders, through their fragments; writes nothing. */
@Injectable()
export class TimelineStore {
  constructor(private readonly database: Database) {}

  /** At most `limit` steps after that place, from the newest on without one. */
  steps(userId: string, after: TimelinePlace | undefined, limit: number): Promise<StoredStep[]> {
    const { at = null, rank = 0, ref = '', eventsBelow: offset = null } = after ?? {};
    return this.database.run('important', TIMELINE, [userId, at, rank, ref, limit, offset]);
  }

  /** One event of the user; undefined when nothing is known of it (any more). */
  async event(userId: string, eventId: string): Promise<KnownEvent | undefined> {
    const [row] = await this.database.run<{ what: KnownEvent }>('important', EVENT, [userId, eventId]);
    return row?.what;
  }

  /**
   * `retentionDays`: how long receipts are kept. Throws only what the database throws: a user of whom nothing is stored has empty lists.
   */
  async record(userId: string, retentionDays: number): Promise<UserRecord> {
    const [row] = await this.database.run<UserRecord>('important', RECORD, [userId, retentionDays]);
    if (!row) throw new Error('the query returns one row');
    return row;
  }
}
