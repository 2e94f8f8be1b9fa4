-- What happened to one user, newest first: what processors said, which memberships followed, which events were told to which
-- device, what was watched. The one statement that reads every room's tables; it writes none.
-- $1 text user id · $2 timestamptz only what is older, or null · $3 int at most so many steps
-- Out: at (iso), step ('webhook', 'membership', 'event', 'stream'), what (json)
WITH bound AS (
  SELECT coalesce($2::timestamptz, 'infinity') AS before
), events AS (
  SELECT e.at, e.id, e.type, e.tier, e.key, e."offset", m.epoch, e.target, e.expires_at, false AS superseded
  FROM mailbox_entry e JOIN mailbox m USING (user_id)
  WHERE e.user_id = $1
  UNION ALL
  -- What a newer event of its key replaced is known by its receipts.
  SELECT min(least(r.sent_at, r.received_at, r.applied_at, r.seen_at)), r.event_id, r.type, NULL, NULL, r."offset", r.epoch,
    NULL, NULL, true
  FROM receipt r
  WHERE r.user_id = $1 AND NOT EXISTS (SELECT FROM mailbox_entry e WHERE e.user_id = $1 AND e.id = r.event_id)
  GROUP BY r.event_id, r.type, r."offset", r.epoch
), newest AS (
  SELECT * FROM events, bound WHERE at < before ORDER BY at DESC, "offset" DESC LIMIT $3
), steps AS (
  (SELECT w.received_at AS at, 'webhook' AS step, json_build_object('processor', w.processor, 'eventId', w.event_id,
      'type', w.type, 'status', w.status, 'reason', w.reason, 'createdAt', iso(w.created_at), 'settledAt', iso(w.settled_at)) AS what
    FROM webhook w, bound WHERE w.user_id = $1 AND w.received_at < before ORDER BY 1 DESC LIMIT $3)
  UNION ALL
  (SELECT h.recorded_at, 'membership', json_build_object('version', h.version, 'status', h.status, 'planId', h.plan_id,
      'effectiveAt', iso(h.effective_at), 'cancelAt', iso(h.cancel_at), 'reason', h.reason, 'processor', h.processor,
      'webhookId', h.webhook_id)
    FROM membership_history h, bound WHERE h.user_id = $1 AND h.recorded_at < before ORDER BY 1 DESC LIMIT $3)
  UNION ALL
  (SELECT n.at, 'event', json_build_object('id', n.id, 'type', n.type, 'tier', n.tier, 'key', n.key, 'offset', n."offset",
      'epoch', n.epoch, 'target', n.target, 'expiresAt', iso(n.expires_at), 'superseded', n.superseded,
      'devices', coalesce(told.devices, '[]'))
    FROM newest n
    LEFT JOIN LATERAL (
      SELECT json_agg(json_build_object('deviceId', coalesce(d.device_id, r.device_id), 'state', coalesce(r.state, 0),
        'sentAt', iso(r.sent_at), 'receivedAt', iso(r.received_at), 'appliedAt', iso(r.applied_at), 'seenAt', iso(r.seen_at),
        'registeredAt', iso(d.created_at), 'push', CASE WHEN p.event_id IS NOT NULL THEN json_build_object('vendor', p.vendor,
          'state', p.state, 'reason', p.reason, 'queuedAt', iso(p.created_at), 'settledAt', iso(p.settled_at)) END) ORDER BY coalesce(d.device_id, r.device_id)) AS devices
      FROM (SELECT * FROM device WHERE user_id = $1) d
      FULL JOIN (SELECT * FROM receipt WHERE user_id = $1 AND event_id = n.id) r USING (device_id)
      LEFT JOIN push p ON p.user_id = $1 AND p.device_id = coalesce(d.device_id, r.device_id) AND p.event_id = n.id
    ) told ON true)
  UNION ALL
  (SELECT s.started_at, 'stream', json_build_object('streamId', s.stream_id, 'deviceId', s.device_id, 'titleId', s.title_id,
      'edgeId', s.edge_id, 'endedAt', iso(s.ended_at), 'reason', s.end_reason)
    FROM stream s, bound WHERE s.user_id = $1 AND s.started_at < before ORDER BY 1 DESC LIMIT $3)
)
SELECT iso(at) AS at, step, what FROM steps ORDER BY steps.at DESC LIMIT $3
