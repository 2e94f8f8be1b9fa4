import type { PushWithdrawal } from '../../devices/addresses/push-withdrawal.js';

/** SQL over the table push that other folders' statements include. Parameters are SQL expressions. */

/** A subquery: since (timestamptz) of the pause by which an operator holds pushes of this provider and tier back; no row without one. */
export const pauseOf = ({ vendor, tier }: { vendor: string; tier: string }): string =>
  `SELECT x.since FROM push_pause x WHERE x.vendor = ${vendor} AND (x.critical OR ${tier} <> 'critical')`;

/** A scalar (json): the pauses, as `[{ vendor, critical, since }]`. */
export const pauses = `(SELECT coalesce(json_agg(json_build_object('vendor', x.vendor, 'critical', x.critical, 'since', iso(x.since))), '[]') FROM push_pause x)`;

/** A scalar (json): what became of the push of the event to the device; null when there was none. */
export const pushOutcome = (of: { userId: string; deviceId: string; eventId: string }): string =>
  `(SELECT json_build_object('vendor', p.vendor, 'state', p.state, 'reason', p.reason,
      'attempts', p.attempts, 'queuedAt', iso(p.created_at), 'dueAt', iso(p.due_at), 'settledAt', iso(p.settled_at),
      'pausedAt', iso((${pauseOf({ vendor: 'p.vendor', tier: 'p.tier' })})))
    FROM push p WHERE p.user_id = ${of.userId} AND p.device_id = ${of.deviceId} AND p.event_id = ${of.eventId})`;

/** For FROM: vendor, tier and seconds: for how long the longest due push of each of these providers is due; no row where none is. */
export const oldestPushes = (vendors: string): string =>
  `SELECT v.vendor, t.tier, extract(epoch FROM now() - o.due_at)::float8 AS seconds
    FROM unnest(${vendors}) AS v (vendor) CROSS JOIN (VALUES ('critical'), ('important')) AS t (tier)
    CROSS JOIN LATERAL (SELECT min(p.due_at) AS due_at FROM push p
      WHERE p.vendor = v.vendor AND p.tier = t.tier AND p.state IN ('queued', 'sent') AND p.due_at <= now()) AS o
    WHERE o.due_at IS NOT NULL`;

/**
 * For FROM: the pushes of campaigns that a provider took, of those that ended after `after` and up to `until`: user_id, device_id, event_id, campaign_id,
 * created_at, settled_at. One that was cleared since was taken too.
 */
export const takenCampaignPushes = ({ after, until }: { after: string; until: string }): string =>
  `SELECT p.user_id, p.device_id, p.event_id, p.campaign_id, p.created_at, p.settled_at FROM push p
    WHERE p.campaign_id IS NOT NULL AND p.settled_at > ${after} AND p.settled_at <= ${until} AND (p.state = 'delivered' OR p.action = 'clear')`;

/** A scalar: when the push of a campaign ended that is the number `offset` of those that ended after `after`; null when there are fewer. */
export const campaignPushEndedAt = ({ after, offset }: { after: string; offset: string }): string =>
  `(SELECT p.settled_at FROM push p
    WHERE p.campaign_id IS NOT NULL AND p.settled_at > ${after} ORDER BY p.settled_at OFFSET ${offset} LIMIT 1)`;

/** Ends what is queued for devices that are removed or lose their addresses. Rows are locked in the order of the key: no deadlocks. */
export const pushWithdrawal: PushWithdrawal = {
  sql: (devices, reason) =>
    `UPDATE push p SET state = 'withdrawn', reason = '${reason}', settled_at = now()
  FROM (
    SELECT q.user_id, q.device_id, q.event_id
    FROM ${devices} x
    JOIN push q ON q.user_id = x.user_id AND q.device_id = x.device_id
    WHERE q.state IN ('queued', 'sent')
    ORDER BY q.user_id, q.device_id, q.event_id
    FOR NO KEY UPDATE OF q
  ) w
  WHERE p.user_id = w.user_id AND p.device_id = w.device_id AND p.event_id = w.event_id AND p.state IN ('queued', 'sent')`,
};
