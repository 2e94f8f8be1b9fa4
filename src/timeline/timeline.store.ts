import { Injectable } from '@nestjs/common';
import { Database } from '../platform/postgres/database.js';
import { named, statement } from '../platform/postgres/statement.js';
import type { DeviceDelivery } from './non-delivery-reason.js';

const TIMELINE = statement('read-timeline.sql', import.meta.url);
const RECORD = named(
  'user-record',
  `SELECT
     (SELECT coalesce(json_agg(json_build_object('processor', s.processor, 'subscriptionId', s.subscription_id,
        'customerId', s.customer_id, 'status', s.status, 'planId', s.plan_id, 'cancelAt', iso(s.cancel_at),
        'asOf', iso(s.as_of)) ORDER BY s.as_of DESC), '[]') FROM subscription s WHERE s.user_id = $1) AS subscriptions,
     (SELECT coalesce(json_agg(json_build_object('processor', l.processor, 'customerId', l.customer_id)), '[]')
      FROM processor_link l WHERE l.user_id = $1) AS links,
     (SELECT coalesce(json_agg(json_build_object('streamId', s.stream_id, 'deviceId', s.device_id, 'titleId', s.title_id,
        'edgeId', s.edge_id, 'startedAt', iso(s.started_at)) ORDER BY s.started_at), '[]')
      FROM stream s WHERE s.user_id = $1 AND s.ended_at IS NULL AND NOT s.lapsed AND s.slot_until > now()) AS streams,
     (SELECT coalesce(json_object_agg(r.device_id, r.state), '{}') FROM receipt r
      JOIN mailbox_entry e ON e.user_id = r.user_id AND e.key = 'membership' AND e.id = r.event_id
      WHERE r.user_id = $1) AS "membershipReceipts"`,
);

/** A step of the timeline as it is stored; `what` depends on the step. */
export type StoredStep =
  | {
      readonly at: string;
      readonly step: 'event';
      readonly what: StoredEventStep;
    }
  | { readonly at: string; readonly step: 'webhook' | 'membership' | 'stream'; readonly what: object };

export interface StoredEventStep {
  readonly target: string | null;
  readonly expiresAt: string | null;
  readonly superseded: boolean;
  readonly devices: readonly DeviceDelivery[];
}

export interface UserRecord {
  readonly subscriptions: readonly object[];
  readonly links: readonly object[];
  readonly streams: readonly object[];
  /** By device id, how far the newest plan change got (receipt.ts). */
  readonly membershipReceipts: Readonly<Record<string, number>>;
}

/** Reads what happened, from every room's tables; writes nothing. */
@Injectable()
export class TimelineStore {
  constructor(private readonly database: Database) {}

  steps(userId: string, before: string | undefined, limit: number): Promise<StoredStep[]> {
    return this.database.run('important', TIMELINE, [userId, before ?? null, limit]);
  }

  async record(userId: string): Promise<UserRecord> {
    const [row] = await this.database.run<UserRecord>('important', RECORD, [userId]);
    if (!row) throw new Error('a row is always there');
    return row;
  }
}
