import { Inject, Injectable } from '@nestjs/common';
import type { Fragments } from '../platform/postgres/statement.js';
import { DERIVED_EVENT_DATA, type DerivedEventData } from './events/derived-data.js';
import { PAGE_BYTES } from './position.js';
import { userSource } from '../platform/postgres/user-source.js';

/** SQL over the mailbox's tables for statements of this and other folders. All parameters are SQL expressions. */
@Injectable()
export class MailboxFragments {
  constructor(@Inject(DERIVED_EVENT_DATA) private readonly derived: readonly DerivedEventData[]) {}

  /** A scalar (json): the `data` of the row `e` of mailbox_entry. */
  data(e: string): string {
    const cases = this.derived.map(
      ({ type, sql }) =>
        `WHEN ${e}.type = '${type}' THEN (${sql({ userId: `${e}.user_id`, profileId: `${e}.profile_id` })})`,
    );
    return `CASE WHEN ${e}.data IS NOT NULL THEN ${e}.data ${cases.join(' ')} END`;
  }

  /** A scalar (json): the row `e` of mailbox_entry in the shape of StoredEntry (events/event.ts). */
  json(e: string): string {
    return `json_build_object('id', ${e}.id, 'type', ${e}.type, 'tier', ${e}.tier, 'key', ${e}.key, 'offset', ${e}."offset",
      'at', iso(${e}.at), 'expiresAt', iso(${e}.expires_at), 'profileId', ${e}.profile_id, 'target', ${e}.target,
      'data', ${this.data(e)})`;
  }

  /**
   * For LATERAL: one row, `entries` (json array in offset order) and "hasMore": of the rows of mailbox_entry that `rows` selects
   * as many as fit into PAGE_BYTES, the lowest offsets first, and always one.
   */
  page(rows: string): string {
    return `SELECT coalesce(json_agg(s.entry ORDER BY s."offset") FILTER (WHERE s.bytes <= ${PAGE_BYTES} OR s.n = 1), '[]') AS entries,
      coalesce(bool_or(s.bytes > ${PAGE_BYTES} AND s.n > 1), false) AS "hasMore"
    FROM (
      SELECT j."offset", j.entry, row_number() OVER w AS n, sum(octet_length(j.entry::text)) OVER w AS bytes
      FROM (SELECT e."offset", ${this.json('e')} AS entry FROM (${rows}) e OFFSET 0) j
      WINDOW w AS (ORDER BY j."offset")
    ) s`;
  }

  /** A scalar (json): the user's event with this id in the shape of StoredEntry, and `epoch`; null once it has left the mailbox or expired. */
  entryWithId({ userId, id }: { userId: string; id: string }): string {
    return `(SELECT json_build_object('entry', ${this.json('e')}, 'epoch', m.epoch)
      FROM mailbox_entry e JOIN mailbox m ON m.user_id = e.user_id
      WHERE e.user_id = ${userId} AND e.id = ${id} AND (e.expires_at IS NULL OR e.expires_at > now()))`;
  }

  /** For the statements of this folder: `{{entryJson}}`, the row `e` as json, and `{{missed}}`, of the offset `r.after`. */
  get forOwnStatements(): Fragments {
    return { entryJson: this.json('e'), missed: missedSince('r.after') };
  }

  /**
   * For LATERAL: one row of the user's events after the offset `after` and up to `upTo`, for a digest: `events` (how many of them match),
   * `isCounted` (false when there are more than were counted) and `items` (json array of id, type, key, at and data, at most `limit` of those
   * that match). Looks for items in `most` rows, the newest or oldest ones, and counts in `mostCounted` of them, however many there are.
   * Superseded events are told by the newest of their key. Events for one device, and those that have expired, do not match.
   */
  collected(of: {
    userId: string;
    after: string;
    upTo: string;
    matches: (type: string) => string;
    order: 'ASC' | 'DESC';
    now: string;
    most: number;
    mostCounted: number;
    limit: string;
  }): string {
    const isMatch = (x: string) =>
      `${of.matches(`${x}.type`)} AND ${x}.target IS NULL AND (${x}.expires_at IS NULL OR ${x}.expires_at > ${of.now})`;
    const rows = (y: string) =>
      `mailbox_entry ${y} WHERE ${y}.user_id = ${of.userId} AND ${y}."offset" > ${of.after} AND ${y}."offset" <= ${of.upTo}`;
    const inOrder = (y: string, limit: number) => `ORDER BY ${y}."offset" ${of.order} LIMIT ${limit}`;
    // The second part reads nothing for a user whose events were all read by the first one.
    return `SELECT CASE WHEN f.read < ${of.most} THEN f.events ELSE c.events END AS events, c.read < ${of.mostCounted} AS "isCounted", f.items
    FROM (
      SELECT count(*)::int AS read, count(*) FILTER (WHERE s.matches)::int AS events,
        coalesce(json_agg(json_build_object('id', s.id, 'type', s.type, 'key', s.key, 'at', iso(s.at), 'data', ${this.data('s')})
          ORDER BY s.n) FILTER (WHERE s.matches AND s.n <= ${of.limit}), '[]') AS items
      FROM (
        SELECT e.*, count(*) FILTER (WHERE e.matches) OVER (ORDER BY e."offset" ${of.order} ROWS UNBOUNDED PRECEDING) AS n
        FROM (SELECT x.*, ${isMatch('x')} AS matches FROM (SELECT * FROM ${rows('y')} ${inOrder('y', of.most)}) x) e
      ) s
    ) f
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS read, count(*) FILTER (WHERE ${isMatch('z')})::int AS events
      FROM (SELECT w.type, w.target, w.expires_at FROM ${rows('w')} AND f.read = ${of.most} ${inOrder('w', of.mostCounted)}) z
    ) c`;
  }

  /** For LATERAL: is_newest (true) and `data` of the event while it is the newest of its key; no row once it is superseded. */
  newestData(event: { userId: string; key: string; id: string }): string {
    return `SELECT true AS is_newest, ${this.data('e')} AS data FROM mailbox_entry e
    WHERE e.user_id = ${event.userId} AND e.key = ${event.key} AND e.id = ${event.id}`;
  }
}

/**
 * A scalar (bigint): how many offsets the mailbox `m`, which need not exist, gave out after the offset `after`. Null for an offset that
 * it never gave out, or that was lost: between the last one of a generation and the first one of the next
 * (docs/decisions/failover-with-a-lost-tail.md). Every generation has 2^32.
 */
export const missedSince = (after: string): string =>
  `(SELECT (sum(f & 4294967295) - (${after} & 4294967295))::bigint
      FROM unnest(0::bigint || m.generation_ends || coalesce(m.last_offset, 0)) AS f
      WHERE f >= ${after} HAVING bool_or(f >> 32 = ${after} >> 32))`;

/** A scalar: what the row `e` of mailbox_entry says of its campaign, at this place of its data; null for other events, and for a test of a campaign. */
const ofCampaign = (e: string, place: 'campaign' | 'template,name'): string =>
  `CASE WHEN ${e}.type = 'campaign.message' AND (${e}.data ->> 'isTest') IS NULL THEN ${e}.data #>> '{${place}}' END`;

/**
 * For LATERAL: the user's event at this offset, unless it was superseded or has expired: user_id, id, key, type, tier, epoch, offset,
 * target, expires_at, campaign_id and campaign_template (null for one of no campaign). At most one row: said by LIMIT, or the planner might join all
 * mailboxes to what it expects of a list of events, and read them from end to end.
 */
export const entryAt = ({ userId, offset }: { userId: string; offset: string }): string =>
  `SELECT e.user_id, e.id, e.key, e.type, e.tier, m.epoch, e."offset", e.target, e.expires_at,
      ${ofCampaign('e', 'campaign')} AS campaign_id, ${ofCampaign('e', 'template,name')} AS campaign_template
    FROM mailbox_entry e JOIN mailbox m ON m.user_id = e.user_id
    WHERE e.user_id = ${userId} AND e."offset" = ${offset} AND (e.expires_at IS NULL OR e.expires_at > now()) LIMIT 1`;

/** A condition: whether the event is still the newest of its key. */
export const isNewest = (event: { userId: string; key: string; id: string }): string =>
  `EXISTS (SELECT FROM mailbox_entry e
      WHERE e.user_id = ${event.userId} AND e.key = ${event.key} AND e.id = ${event.id})`;

/** A scalar: the epoch of the user's mailbox; null when there is none. */
export const epochOf = (userId: string): string =>
  `(SELECT m.epoch FROM mailbox m WHERE m.user_id = ${userId})`;

/** A scalar: the id of the newest event with this key; null when there is none. */
export const newestEventId = ({ userId, key }: { userId: string; key: string }): string =>
  `(SELECT e.id FROM mailbox_entry e WHERE e.user_id = ${userId} AND e.key = ${key})`;

/** A scalar: when the newest event with this key was published; null when there is none. */
export const newestEventAt = ({ userId, key }: { userId: string; key: string }): string =>
  `(SELECT e.at FROM mailbox_entry e WHERE e.user_id = ${userId} AND e.key = ${key})`;

/** For FROM: the events with these offsets (in the mailbox's epoch) or ids that are for this device: epoch, offset, id, type. */
export const findEvents = (of: { userId: string; deviceId: string; offsets: string; ids: string }): string =>
  `SELECT m.epoch, e."offset", e.id, e.type FROM mailbox_entry e JOIN mailbox m USING (user_id)
    WHERE e.user_id = ${of.userId} AND (e.target IS NULL OR e.target = ${of.deviceId})
      AND (e."offset" = ANY (${of.offsets}) OR e.id = ANY (${of.ids}))`;

/**
 * Of the events that left the mailbox, as findEvents. An offset is found by the key of the table. Ids have no index, which each append would pay for:
 * with one, what is kept of the user's past events is read.
 */
export const findPastEvents = (of: {
  userId: string;
  deviceId: string;
  offsets: string;
  ids: string;
}): string => {
  const past = `SELECT p.epoch, p."offset", p.id, p.type FROM past_event p
    WHERE p.user_id = ${of.userId} AND (p.target IS NULL OR p.target = ${of.deviceId})`;
  return `${past} AND p.epoch = ${epochOf(of.userId)} AND p."offset" = ANY (${of.offsets})
    UNION ALL ${past} AND cardinality(${of.ids}) > 0 AND p.id = ANY (${of.ids})`;
};

/** Which of a user's events: at most `limit`, the newest of those below the offset `below`. */
interface NewestBelow {
  readonly userId: string;
  readonly below: string;
  readonly limit: string;
}

/**
 * For FROM: the newest events of the user without their data: at, id, type, tier, key, offset, epoch, target, expires_at. Reads no more rows
 * than it returns.
 */
export const newestEntries = ({ userId, below, limit }: NewestBelow): string =>
  `SELECT e.at, e.id, e.type, e.tier, e.key, e."offset", ${epochOf(userId)} AS epoch, e.target, e.expires_at
    FROM mailbox_entry e WHERE e.user_id = ${userId} AND e."offset" < ${below} ORDER BY e."offset" DESC LIMIT ${limit}`;

/**
 * For FROM: of the events that left the mailbox the newest of each epoch: as newestEntries, and superseded_by (null for one that expired).
 * Reads no more rows than it returns.
 */
export const newestPastEvents = ({ userId, below, limit }: NewestBelow): string =>
  `SELECT n.* FROM (${pastEpochsOf(userId)}) x CROSS JOIN LATERAL (
      SELECT p.at, p.id, p.type, p.tier, p.key, p."offset", p.epoch, p.target, p.expires_at, p.superseded_by
      FROM past_event p WHERE p.user_id = ${userId} AND p.epoch = x.epoch AND p."offset" < ${below} ORDER BY p."offset" DESC LIMIT ${limit}
    ) n`;

/** A scalar: when the user's first event at or above the offset `from` was published, as far as it is stored; null when none is. */
export const publishedFrom = ({ userId, from }: { userId: string; from: string }): string =>
  `(SELECT n.at FROM (
      (SELECT e."offset", e.at FROM mailbox_entry e WHERE e.user_id = ${userId} AND e."offset" >= ${from} ORDER BY e."offset" LIMIT 1)
      UNION ALL
      (SELECT n."offset", n.at FROM (${pastEpochsOf(userId)}) x CROSS JOIN LATERAL (
        SELECT p."offset", p.at FROM past_event p
        WHERE p.user_id = ${userId} AND p.epoch = x.epoch AND p."offset" >= ${from} ORDER BY p."offset" LIMIT 1
      ) n)
    ) n ORDER BY n."offset" LIMIT 1)`;

/** For FROM: the epochs of what left the user's mailbox: one, unless `usher epoch new` was called in the last weeks. A look at an index for each. */
const pastEpochsOf = (userId: string): string =>
  `WITH RECURSIVE x AS (
      (SELECT p.epoch FROM past_event p WHERE p.user_id = ${userId} ORDER BY p.epoch LIMIT 1)
      UNION ALL
      SELECT (SELECT p.epoch FROM past_event p WHERE p.user_id = ${userId} AND p.epoch > x.epoch ORDER BY p.epoch LIMIT 1)
      FROM x WHERE x.epoch IS NOT NULL
    ) SELECT x.epoch FROM x WHERE x.epoch IS NOT NULL`;

/**
 * A scalar (bigint): the offset of the user's event with this id; null when nothing is known of it. Ids have no index, which each append
 * would pay for: reads what is kept of the user's events unless the key tells.
 */
export const offsetOfEvent = ({ userId, id }: { userId: string; id: string }): string =>
  `coalesce(
      (SELECT e."offset" FROM mailbox_entry e WHERE e.user_id = ${userId} AND e.key = 'event:' || ${id}::text AND e.id = ${id}),
      (SELECT e."offset" FROM mailbox_entry e WHERE e.user_id = ${userId} AND e.id = ${id} LIMIT 1),
      (SELECT p."offset" FROM past_event p WHERE p.user_id = ${userId} AND p.id = ${id} LIMIT 1))`;

/** For FROM: user_id and last_offset of the next `limit` users with a mailbox after the user `after`, by their ids. */
export const usersWithMailbox = ({ after, limit }: { after: string; limit: string }): string =>
  `SELECT m.user_id, m.last_offset FROM mailbox m WHERE m.user_id > ${after} ORDER BY m.user_id LIMIT ${limit}`;

/** A scalar (bigint): the offset of the user's newest event; null when there never was one. */
export const lastOffsetOf = (userId: string): string =>
  `(SELECT m.last_offset FROM mailbox m WHERE m.user_id = ${userId})`;

/** A condition: whether the user ever got an event. */
export const hasMailbox = (userId: string): string =>
  `EXISTS (SELECT FROM mailbox m WHERE m.user_id = ${userId})`;

/** A condition: whether the user has, or had, an event with this id. Reads what is kept of the user's events. */
export const hasEvent = ({ userId, id }: { userId: string; id: string }): string =>
  `(EXISTS (SELECT FROM mailbox_entry e WHERE e.user_id = ${userId} AND e.id = ${id})
      OR EXISTS (SELECT FROM past_event p WHERE p.user_id = ${userId} AND p.id = ${id}))`;

/** A scalar (json): by tier, seconds since the oldest commit that the consumer has not taken over yet; null when there is none. */
export const oldestHandoffs = (consumer: string): string =>
  `(SELECT json_object_agg(t.tier, (SELECT extract(epoch FROM now() - min(h.created_at))::float8
      FROM handoff h WHERE h.consumer = ${consumer} AND h.tier = t.tier AND h.created_at <= now())) FROM (VALUES ('critical'), ('important')) AS t (tier))`;

/** Handoffs that one statement claims, at most. */
const MAX_CLAIMED_HANDOFFS = 100;

/**
 * For WITH, at the top of a statement: removes handoffs of the consumer that are at least `ageMs` old, the oldest first, and returns
 * their `positions` (json: `[[user id, offset], …]`). Rows that another transaction has locked are skipped. The limit is in a
 * materialized CTE, since a subquery with LIMIT may be run again for each row. It is there twice: for a parameter alone the planner expects a tenth
 * of the table, and then reads and sorts all that is due for each few that are claimed. The parameter is in a SELECT: when the planner sees that it is
 * small, it takes planning anew each time for cheaper, which it is not.
 */
export const claimHandoffs = (of: { consumer: string; tier: string; ageMs: string; limit: string }): string =>
  `WITH due AS MATERIALIZED (
    SELECT id, consumer FROM (
      SELECT id, consumer FROM handoff
      WHERE consumer = ${of.consumer} AND tier = ${of.tier}
        AND created_at <= now() - ${of.ageMs} * interval '1 millisecond'
      ORDER BY created_at LIMIT ${MAX_CLAIMED_HANDOFFS} FOR UPDATE SKIP LOCKED
    ) oldest LIMIT (SELECT ${of.limit}::int)
  )
  DELETE FROM handoff h USING due WHERE h.id = due.id AND h.consumer = due.consumer RETURNING h.positions`;

/** The users who ever got an event. */
export const usersWithEvents = userSource('mailbox');
