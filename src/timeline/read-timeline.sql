-- What happened to one user, newest first: webhooks, versions of the membership, events with their delivery to each device, streams. It
-- reads the tables of many folders through their own fragments, and writes none.
-- $1 text user id · $2 timestamptz or null: only older steps · $3 int the most steps
-- webhookSteps, membershipSteps: membership/membership.fragments.ts · streamSteps: streams/stream.fragments.ts
-- entries: mailbox/mailbox.fragments.ts · eventsWithReceipts, receipts: delivery/receipts/receipt.fragments.ts
-- devices: devices/device.fragments.ts · pushOutcome: push/queue/push.fragments.ts
-- Returns at (iso), step ('webhook', 'membership', 'event', 'stream'), what (json)
WITH bound AS (
  SELECT coalesce($2::timestamptz, 'infinity') AS before
), entry AS (
  {{entries}}
), events AS (
  SELECT e.at, e.id, e.type, e.tier, e.key, e."offset", e.epoch, e.target, e.expires_at, false AS superseded
  FROM entry e
  UNION ALL
  -- Events that a newer one of their key superseded are known only by their receipts.
  SELECT r.at, r.event_id, r.type, NULL, NULL, r."offset", r.epoch, NULL, NULL, true
  FROM ({{eventsWithReceipts}}) r
  WHERE NOT EXISTS (SELECT FROM entry e WHERE e.id = r.event_id)
), newest AS (
  SELECT * FROM events, bound WHERE at < before ORDER BY at DESC, "offset" DESC LIMIT $3
), steps AS (
  (SELECT s.at, 'webhook' AS step, s.what, NULL::bigint AS "offset" FROM ({{webhookSteps}}) s, bound WHERE s.at < before ORDER BY 1 DESC LIMIT $3)
  UNION ALL
  (SELECT s.at, 'membership', s.what, NULL FROM ({{membershipSteps}}) s, bound WHERE s.at < before ORDER BY 1 DESC LIMIT $3)
  UNION ALL
  (SELECT n.at, 'event', json_build_object('id', n.id, 'type', n.type, 'tier', n.tier, 'key', n.key, 'offset', n."offset",
      'epoch', n.epoch, 'target', n.target, 'expiresAt', iso(n.expires_at), 'superseded', n.superseded,
      'devices', coalesce(delivered.devices, '[]')), n."offset"
    FROM newest n
    LEFT JOIN LATERAL (
      SELECT json_agg(json_build_object('deviceId', coalesce(d.device_id, r.device_id), 'state', coalesce(r.state, 0),
        'sentAt', iso(r.sent_at), 'receivedAt', iso(r.received_at), 'appliedAt', iso(r.applied_at), 'seenAt', iso(r.seen_at),
        'registeredAt', iso(d.created_at), 'push', {{pushOutcome}}) ORDER BY coalesce(d.device_id, r.device_id)) AS devices
      FROM ({{devices}}) d
      FULL JOIN ({{receipts}}) r ON r.device_id = d.device_id
    ) delivered ON true)
  UNION ALL
  (SELECT s.at, 'stream', s.what, NULL FROM ({{streamSteps}}) s, bound WHERE s.at < before ORDER BY 1 DESC LIMIT $3)
)
SELECT iso(at) AS at, step, what FROM steps ORDER BY steps.at DESC, "offset" DESC NULLS LAST LIMIT $3
