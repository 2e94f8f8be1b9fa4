import { existsForEach, userSource } from '../platform/postgres/user-source.js';

/** SQL over this folder's tables that other folders' statements include. Arguments are SQL expressions, such as `$1`. */

const fields = `'version', m.version, 'status', m.status, 'planId', m.plan_id, 'planCapabilities', p.capabilities,
      'effectiveAt', iso(m.effective_at), 'cancelAt', iso(m.cancel_at), 'endsAt', iso(m.ends_at), 'reason', m.reason`;
const pendingChange = (
  user: string,
) => `(SELECT json_strip_nulls(json_build_object('action', c.action, 'planId', c.plan_id, 'since', iso(c.created_at)))
      FROM membership_change c WHERE c.user_id = ${user} AND c.status = 'pending')`;

/** A query: the user's membership with the plan's capabilities as json (MembershipRow in membership-view.ts); no row when there is none. */
export const membershipSql = (user: string): string =>
  `SELECT json_build_object(${fields})
    FROM membership m LEFT JOIN plan p USING (plan_id) WHERE m.user_id = ${user}`;

/** The same, with the user's pending change. */
export const membershipStateSql = (user: string): string =>
  `SELECT json_build_object(${fields}, 'pendingChange', ${pendingChange(user)})
    FROM membership m LEFT JOIN plan p USING (plan_id) WHERE m.user_id = ${user}`;

/** A scalar: the version of the user's membership; 0 when there is none. */
export const membershipVersion = (userId: string): string =>
  `coalesce((SELECT m.version FROM membership m WHERE m.user_id = ${userId}), 0)`;

/** A scalar (json): the user's subscriptions, the newest first. */
export const subscriptionsOf = (userId: string): string =>
  `(SELECT coalesce(json_agg(json_build_object('processor', s.processor, 'subscriptionId', s.subscription_id,
      'customerId', s.customer_id, 'status', s.status, 'planId', s.plan_id, 'cancelAt', iso(s.cancel_at),
      'asOf', iso(s.as_of)) ORDER BY s.as_of DESC), '[]') FROM subscription s WHERE s.user_id = ${userId})`;

/** A scalar (json): the customers of processors that are linked to the user. */
export const linksOf = (userId: string): string =>
  `(SELECT coalesce(json_agg(json_build_object('processor', l.processor, 'customerId', l.customer_id)), '[]')
      FROM processor_link l WHERE l.user_id = ${userId})`;

/** For FROM: the user's webhooks as steps of the timeline. Columns: at, ref (orders those of one instant), what (json). */
export const webhookSteps = (userId: string): string =>
  `SELECT w.received_at AS at, w.processor || ' ' || w.event_id AS ref, json_build_object('processor', w.processor, 'eventId', w.event_id,
      'type', w.type, 'status', w.status, 'reason', w.reason, 'createdAt', iso(w.created_at),
      'settledAt', iso(w.settled_at)) AS what
    FROM webhook w WHERE w.user_id = ${userId}`;

/** For FROM: the versions of the user's membership as steps of the timeline. Columns: at, ref (orders those of one instant), what (json). */
export const membershipSteps = (userId: string): string =>
  `SELECT h.recorded_at AS at, lpad(h.version::text, 20, '0') AS ref, json_build_object('version', h.version, 'status', h.status, 'planId', h.plan_id,
      'effectiveAt', iso(h.effective_at), 'cancelAt', iso(h.cancel_at), 'reason', h.reason,
      'processor', h.processor, 'webhookId', h.webhook_id) AS what
    FROM membership_history h WHERE h.user_id = ${userId}`;

/** A query: processor, and seconds since its last webhook; no row for one that never sent any. */
export const webhookSilence = (processors: string): string =>
  `SELECT * FROM (
     SELECT processor,
       extract(epoch FROM now() - (SELECT max(w.received_at) FROM webhook w WHERE w.processor = p.processor))::float8 AS seconds
     FROM unnest(${processors}) AS p (processor)
   ) AS silence WHERE seconds IS NOT NULL`;

/**
 * A query: processor, and seconds, the longest silence between two webhooks in the last 24 hours, which cover the daily rhythm of a
 * service; 0 where there were none. By five minutes, of each of which one row is looked for: 288 times an index, however many webhooks a
 * day has.
 */
export const usualWebhookSilence = (processors: string): string =>
  `SELECT processor, coalesce((SELECT extract(epoch FROM max(gap)) FROM (
       SELECT start - lag(start) OVER (ORDER BY start) AS gap
       FROM generate_series(date_bin('5 minutes', now() - interval '24 hours', 'epoch'), now(), interval '5 minutes') AS start
       CROSS JOIN LATERAL (
         SELECT FROM webhook w
         WHERE w.processor = p.processor AND w.received_at >= start AND w.received_at < start + interval '5 minutes' LIMIT 1
       ) AS one
     ) AS gaps), 0)::float8 AS seconds
   FROM unnest(${processors}) AS p (processor)`;

/** A query: processor, and seconds since the oldest of its webhooks came that could not be applied so far; no row where there is none. */
export const failingWebhooks = (processors: string): string =>
  `SELECT processor, extract(epoch FROM now() - oldest)::float8 AS seconds FROM (
     SELECT processor, (SELECT min(w.received_at) FROM webhook w WHERE w.processor = p.processor AND w.status IN ('stored', 'failed')) AS oldest
     FROM unnest(${processors}) AS p (processor)
   ) AS failing WHERE oldest IS NOT NULL`;

/** A scalar (json): `{ count, seconds }` of the webhooks that wait for a plan or a link, and since the oldest came; the count stops at 1,000. */
export const waitingWebhooks = `(SELECT json_build_object('count', count(*), 'seconds', extract(epoch FROM now() - min(w.received_at))::float8)
      FROM (SELECT received_at FROM webhook WHERE status = 'waiting' ORDER BY received_at LIMIT 1000) AS w)`;

/** A condition: whether the user has, or had, a membership. */
export const hasMembership = (userId: string): string =>
  `EXISTS (SELECT FROM membership m WHERE m.user_id = ${userId})`;

/** An id that is unique within a processor, and the processors to look at. */
interface IdOfProcessors {
  readonly processors: string;
  readonly id: string;
}

/** For FROM: the webhooks with this event id: processor, event_id, user_id (null when it is not known). */
export const webhooksWithId = ({ processors, id }: IdOfProcessors): string =>
  `SELECT w.processor, w.event_id, w.user_id FROM unnest(${processors}) AS p (processor)
    JOIN webhook w ON w.processor = p.processor AND w.event_id = ${id}`;

/** For FROM: the customers with this id: processor, customer_id, user_id. One row for each user whom a link or a subscription names. */
export const customersWithId = ({ processors, id }: IdOfProcessors): string =>
  `SELECT l.processor, l.customer_id, l.user_id FROM unnest(${processors}) AS p (processor)
    JOIN processor_link l ON l.processor = p.processor AND l.customer_id = ${id}
    UNION
    SELECT s.processor, s.customer_id, s.user_id FROM unnest(${processors}) AS p (processor)
    JOIN subscription s ON s.processor = p.processor AND s.customer_id = ${id}`;

/** For FROM: the subscriptions with this id: processor, subscription_id, user_id. */
export const subscriptionsWithId = ({ processors, id }: IdOfProcessors): string =>
  `SELECT o.processor, o.subscription_id, o.user_id FROM unnest(${processors}) AS p (processor)
    JOIN subscription_owner o ON o.processor = p.processor AND o.subscription_id = ${id}`;

/** For FROM: plan_id of the plan with this id, and of the one that has a price with this id. */
export const plansWithId = (id: string): string =>
  `SELECT plan_id FROM plan WHERE plan_id = ${id} UNION SELECT plan_id FROM plan_price WHERE price_id = ${id}`;

/** For SELECT: takes the lock of the user's membership, and of what follows from it, until the transaction ends. */
export const userLock = (userId: string): string =>
  `pg_advisory_xact_lock(hashtextextended('membership:' || ${userId}, 0))`;

/** The users who have, or had, a membership. */
export const usersWithMembership = userSource('membership');

/** A condition: whether the user's membership is of one of these plans (text[]). */
export const hasPlan = ({ userId, planIds }: { userId: string; planIds: string }): string =>
  existsForEach(`SELECT FROM membership m WHERE m.user_id = ${userId} AND m.plan_id = ANY (${planIds})`);

/** A condition: whether the user's membership has one of these statuses (text[]). */
export const hasStatus = ({ userId, statuses }: { userId: string; statuses: string }): string =>
  existsForEach(`SELECT FROM membership m WHERE m.user_id = ${userId} AND m.status = ANY (${statuses})`);
