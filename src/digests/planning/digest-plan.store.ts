import { Injectable } from '@nestjs/common';
import { placeOfUser } from '../../contacts/contact.fragments.js';
import { preferencesOf, usersWithPreferences } from '../../devices/device.fragments.js';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import { lastOffsetOf, usersWithMailbox } from '../../mailbox/mailbox.fragments.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { fragment, named } from '../../platform/postgres/statement.js';
import type { DigestDefinition } from '../definitions/digest-definition.js';
import type { NextRun } from './next-run.js';

/** A plan that is claimed takes milliseconds; a statement that takes longer than this has a plan that must be looked at. */
const TIMEOUT = named('digest-timeout', `SELECT set_config('statement_timeout', '5s', true)`);

const IS_DUE = `next_run_at > '-infinity' AND next_run_at <= $3::timestamptz`;
const IS_UNPLANNED = `next_run_at = '-infinity'`;
const claim = (name: string, isClaimed: string) =>
  named(
    name,
    fragment('claim-digest-plans.sql', import.meta.url, {
      isClaimed,
      place: placeOfUser('claimed.user_id'),
      preferences: preferencesOf('claimed.user_id'),
    }),
  );
const CLAIM_DUE = claim('claim-due-digests', IS_DUE);
const CLAIM_UNPLANNED = claim('claim-unplanned-digests', IS_UNPLANNED);

/** Digests that have plans like these: a look at the index for each. */
const withPlans = (condition: string) =>
  `SELECT name, body FROM digest_definition d
   WHERE NOT is_removed AND EXISTS (SELECT FROM digest_plan p WHERE p.digest = d.name AND ${condition})`;
const LIST_DUE = named('list-due-digests', withPlans(IS_DUE.replace('$3', '$1')));
const LIST_UNPLANNED = named('list-unplanned-digests', withPlans(IS_UNPLANNED));

const SAVE = named(
  'save-digest-plans',
  `UPDATE digest_plan p SET next_run_at = r."nextRunAt", last_date = r."lastDate"
   FROM json_to_recordset($2::json) AS r ("userId" text, "nextRunAt" timestamptz, "lastDate" text)
   WHERE p.user_id = r."userId" AND p.digest = $1`,
);

const USER = named(
  'digest-user',
  `SELECT u.user_id AS "userId", d.user_id IS NOT NULL AS "isPlanned", d.last_date AS "lastDate", p.timezone, p.locale,
     f.body AS preferences
   FROM (SELECT $1::text AS user_id) u
   LEFT JOIN digest_plan d ON d.user_id = u.user_id AND d.digest = $2
   LEFT JOIN LATERAL (${placeOfUser('u.user_id')}) p ON true
   LEFT JOIN LATERAL (${preferencesOf('u.user_id')}) f ON true`,
);
/** $1 digest · $2 the first hour · $3 how many hours · $4 where counting stops. A row each, and one with what is due by then (`from`: null). */
const FORECAST = named(
  'digest-forecast',
  `SELECT iso(h.begins) AS "from", (
     SELECT count(*)::int FROM (
       SELECT FROM digest_plan p WHERE p.digest = $1 AND p.next_run_at >= coalesce(h.begins, '-infinity')
         AND p.next_run_at < coalesce(h.begins + interval '1 hour', $2::timestamptz) LIMIT $4
     ) counted
   ) AS planned
   FROM (
     SELECT NULL::timestamptz AS begins
     UNION ALL
     SELECT $2::timestamptz + n * interval '1 hour' FROM generate_series(0, $3::int - 1) AS n
   ) h ORDER BY h.begins NULLS FIRST`,
);

/** All transactions have ended that may not have seen the change. */
const IS_SETTLED = `changed_in < pg_snapshot_xmin(pg_current_snapshot())::text::bigint`;
const IS_CHANGED = `(walked_to IS NOT NULL OR is_removed) AND ${IS_SETTLED}`;
const LIST_CHANGED = named(
  'list-changed-digests',
  `SELECT name FROM digest_definition WHERE ${IS_CHANGED} ORDER BY updated_at`,
);
const CLAIM_CHANGED = named(
  'claim-changed-digest',
  `SELECT name, categories, opt_in AS "optIn", is_removed AS "isRemoved", walked_to AS "walkedTo" FROM digest_definition
   WHERE name = $1 AND ${IS_CHANGED} FOR UPDATE SKIP LOCKED`,
);
const WALKED = named('digest-walked', 'UPDATE digest_definition SET walked_to = $2 WHERE name = $1');
/** $1 digest · $2 the user after whom the slice begins · $3 how many users at most · $4 categories of the digest */
const walk = (slice: string, offset: string, condition: string) =>
  `WITH slice AS MATERIALIZED (${slice}), planned AS (
     INSERT INTO digest_plan (user_id, digest, after_offset, bucket)
     SELECT s.user_id, $1, ${offset}, bucket_of(s.user_id) FROM slice s WHERE ${condition} ORDER BY s.user_id
     ON CONFLICT (user_id, digest, bucket) DO UPDATE SET next_run_at = excluded.next_run_at
   )
   SELECT max(user_id) AS "lastUserId", count(*)::int AS count FROM slice`;
const WALK_EVERYONE = named(
  'walk-digest-everyone',
  walk(usersWithMailbox({ after: '$2', limit: '$3' }), 's.last_offset', '$4::text[] IS NOT NULL'),
);
const WALK_CHOSEN = named(
  'walk-digest-chosen',
  walk(
    usersWithPreferences({ after: '$2', limit: '$3' }),
    `coalesce(${lastOffsetOf('s.user_id')}, 0)`,
    'digest_is_chosen(s.body, $4)',
  ),
);
const REMOVE_PLANS = named(
  'remove-digest-plans',
  `WITH removed AS MATERIALIZED (
     SELECT user_id, bucket FROM digest_plan WHERE digest = $1 ORDER BY next_run_at LIMIT $2 FOR UPDATE
   ), gone AS (
     DELETE FROM digest_plan p USING removed r WHERE p.user_id = r.user_id AND p.digest = $1 AND p.bucket = r.bucket
   )
   SELECT count(*)::int AS count FROM removed`,
);
const REMOVE_DEFINITION = named(
  'remove-digest-definition',
  'DELETE FROM digest_definition WHERE name = $1 AND is_removed',
);

/** A digest that has something to do, with its definition. */
export interface DueDigest {
  readonly name: string;
  readonly body: DigestDefinition;
}

/** A user's plan that is claimed, with what the next run depends on. */
export interface ClaimedPlan {
  readonly userId: string;
  /** The newest local date that had its digest; null for a user who is new to it. */
  readonly lastDate: string | null;
  /** Of the user's contact, else of the device that was seen last; null where none is known. */
  readonly timezone: string | null;
  readonly locale: string | null;
  /** As they were set; null for a user who has set none. */
  readonly preferences: Preferences | null;
}

/** A digest whose users must be planned, or whose plans must be removed. */
export interface ChangedDigest {
  readonly name: string;
  readonly categories: readonly string[];
  readonly optIn: boolean;
  readonly isRemoved: boolean;
  /** The user up to whom that is done. */
  readonly walkedTo: string | null;
}

/** A user as their digest is decided about now. */
export interface DigestUserRecord extends ClaimedPlan {
  /** Whether the user gets the digest. */
  readonly isPlanned: boolean;
}

/** How many runs are planned for an hour; `from`: ISO 8601, null for all before the first hour. */
export interface PlannedHour {
  readonly from: string | null;
  readonly planned: number;
}

/** When the digests of users are due. Rows are locked in the order of users, or skipped when they are locked, so that no two transactions deadlock. */
@Injectable()
export class DigestPlanStore {
  constructor(private readonly database: Database) {}

  /** Returns the digests that are due for somebody. */
  listDue(now: Date): Promise<DueDigest[]> {
    return this.database.run('routine', LIST_DUE, [now]);
  }

  /** Returns the digests that must be planned for somebody. */
  listUnplanned(): Promise<DueDigest[]> {
    return this.database.run('routine', LIST_UNPLANNED, []);
  }

  /** Ends statements of the transaction that take more than seconds. */
  async limitTime(tx: Transaction): Promise<void> {
    await tx.run(TIMEOUT, []);
  }

  /** Claims at most `limit` plans that are due, the longest due first. */
  claimDue(tx: Transaction, digest: string, now: Date, limit: number): Promise<ClaimedPlan[]> {
    return tx.run(CLAIM_DUE, [digest, limit, now]);
  }

  /** Claims at most `limit` plans of users who are new, or whose time or zone has changed. */
  claimUnplanned(tx: Transaction, digest: string, limit: number): Promise<ClaimedPlan[]> {
    return tx.run(CLAIM_UNPLANNED, [digest, limit]);
  }

  /** Stores when claimed plans are due. */
  async save(tx: Transaction, digest: string, plans: readonly NextRun[]): Promise<void> {
    if (plans.length > 0) await tx.run(SAVE, [digest, JSON.stringify(plans)]);
  }

  /** Returns what is known of the user and the digest. */
  async user(userId: string, digest: string): Promise<DigestUserRecord> {
    const [row] = await this.database.run<DigestUserRecord>('routine', USER, [userId, digest]);
    if (!row) throw new Error('the query returns one row');
    return row;
  }

  /** Returns how many runs are planned before `from` and for each of the `hours` after it. A count stops at `most`. */
  forecast(digest: string, from: Date, hours: number, most: number): Promise<PlannedHour[]> {
    return this.database.run('routine', FORECAST, [digest, from, hours, most]);
  }

  /** Returns the digests that were changed or removed, the longest ago first, unless a transaction still runs that did not see it. */
  listChanged(): Promise<{ readonly name: string }[]> {
    return this.database.run('routine', LIST_CHANGED, []);
  }

  /** Claims the digest for `walk` or `removeEnded`; undefined when nothing is to be done for it, or another worker is at it. */
  async claimChanged(tx: Transaction, digest: string): Promise<ChangedDigest | undefined> {
    return (await tx.run<ChangedDigest>(CLAIM_CHANGED, [digest]))[0];
  }

  /** Has the plans of the next `limit` users made anew. Returns whether there may be more users. */
  async walk(tx: Transaction, changed: ChangedDigest, limit: number): Promise<boolean> {
    const { name, optIn, walkedTo, categories } = changed;
    const values = [name, walkedTo ?? '', limit, categories];
    type Row = { lastUserId: string | null; count: number };
    const [row] = await tx.run<Row>(optIn ? WALK_CHOSEN : WALK_EVERYONE, values);
    const hasMore = row?.count === limit;
    await tx.run(WALKED, [name, hasMore ? row.lastUserId : null]);
    return hasMore;
  }

  /** Removes at most `limit` plans of a digest that has ended, and the digest when it has none. Returns whether there may be more. */
  async removeEnded(tx: Transaction, name: string, limit: number): Promise<boolean> {
    const [row] = await tx.run<{ count: number }>(REMOVE_PLANS, [name, limit]);
    if (row?.count === limit) return true;
    await tx.run(REMOVE_DEFINITION, [name]);
    return false;
  }
}
