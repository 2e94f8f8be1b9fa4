import { Injectable } from '@nestjs/common';
import { eventsWithReceipts, receiptsOf, statesByDevice } from '../delivery/receipts/receipt.fragments.js';
import { devicesOf } from '../devices/device.fragments.js';
import { EVENT_TYPES } from '../mailbox/events/event-types.js';
import { entriesOf, newestEventAt, newestEventId } from '../mailbox/mailbox.fragments.js';
import {
  linksOf,
  membershipSteps,
  subscriptionsOf,
  webhookSteps,
} from '../membership/membership.fragments.js';
import { pushOutcome } from '../push/queue/push.fragments.js';
import { runningStreamsOf, streamSteps } from '../streams/stream.fragments.js';
import { Database } from '../platform/postgres/database.js';
import { named, statement } from '../platform/postgres/statement.js';
import type { DeviceDelivery } from './non-delivery-reason.js';

const TIMELINE = statement('read-timeline.sql', import.meta.url, {
  webhookSteps: webhookSteps('$1'),
  membershipSteps: membershipSteps('$1'),
  streamSteps: streamSteps('$1'),
  entries: entriesOf('$1'),
  eventsWithReceipts: eventsWithReceipts('$1'),
  receipts: receiptsOf({ userId: '$1', eventId: 'n.id' }),
  devices: devicesOf('$1'),
  pushOutcome: pushOutcome({ userId: '$1', deviceId: 'coalesce(d.device_id, r.device_id)', eventId: 'n.id' }),
});
const MEMBERSHIP_EVENT = {
  userId: '$1',
  key: `'${EVENT_TYPES['membership.changed'].keyPattern}'`,
};
const RECORD = named(
  'user-record',
  `SELECT ${subscriptionsOf('$1')} AS subscriptions, ${linksOf('$1')} AS links, ${runningStreamsOf('$1')} AS streams,
     ${statesByDevice({ userId: '$1', eventId: newestEventId(MEMBERSHIP_EVENT) })} AS "membershipReceipts",
     coalesce(${newestEventAt(MEMBERSHIP_EVENT)} > now() - $2 * interval '1 day', true) AS "areReceiptsComplete"`,
);

/** A step of the timeline as it is stored; `what` depends on the step. */
export type StoredStep =
  | {
      readonly at: string;
      readonly step: 'event';
      readonly what: StoredEventStep;
    }
  | { readonly at: string; readonly step: 'webhook' | 'membership' | 'stream'; readonly what: object };

/** An event of the timeline with its delivery to each device. */
export interface StoredEventStep {
  readonly target: string | null;
  readonly expiresAt: string | null;
  readonly superseded: boolean;
  readonly devices: readonly DeviceDelivery[];
}

/** What several folders store about one user. */
export interface UserRecord {
  readonly subscriptions: readonly object[];
  readonly links: readonly object[];
  readonly streams: readonly object[];
  /** By device id, the rank of its receipt (receipt.ts) for the newest membership event. */
  readonly membershipReceipts: Readonly<Record<string, number>>;
  /** False when that event is so old that some of its receipts have been removed. */
  readonly areReceiptsComplete: boolean;
}

/** Reads what happened from the tables of many folders, through their fragments; writes nothing. */
@Injectable()
export class TimelineStore {
  constructor(private readonly database: Database) {}

  /** At most `limit` steps before `before`, the newest first. */
  steps(userId: string, before: string | undefined, limit: number): Promise<StoredStep[]> {
    return this.database.run('important', TIMELINE, [userId, before ?? null, limit]);
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
