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

/** For SELECT: takes the lock of the user's membership, and of what follows from it, until the transaction ends. */
export const userLock = (userId: string): string =>
  `pg_advisory_xact_lock(hashtextextended('membership:' || ${userId}, 0))`;
