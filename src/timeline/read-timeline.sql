-- What happened to one user, newest first: webhooks, versions of the membership, events with their delivery to each device, streams. It
-- reads the tables of many folders through their own fragments, and writes none.
-- $1 text user id · $2 timestamptz or null, $3 int, $4 text: only steps after the one with this at, rank and ref; null begins with the newest ·
-- $5 int the most steps
-- membershipPage, webhookPage, streamPage: the steps of their kind (timeline.store.ts)
-- entries: mailbox/mailbox.fragments.ts · eventsWithReceipts, receipts: delivery/receipts/receipt.fragments.ts
-- devices: devices/device.fragments.ts · pushOutcome: push/queue/push.fragments.ts
-- Steps are in the order of at, rank (the kind of step: what caused others comes after them) and ref, all descending: no two are equal.
-- Each page reads all entries and receipts of the user.
-- Returns at (iso), rank, ref, step ('webhook', 'membership', 'event', 'stream'), what (json)
WITH bound AS (
  SELECT coalesce($2::timestamptz, 'infinity') AS at, $3::int AS rank, $4::text COLLATE "C" AS ref
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
  SELECT e.*, n.ref
  FROM events e CROSS JOIN bound b CROSS JOIN LATERAL (SELECT lpad(e."offset"::text, 20, '0') || ' ' || e.id AS ref) n
  WHERE (e.at, 4, n.ref COLLATE "C") < (b.at, b.rank, b.ref)
  ORDER BY e.at DESC, n.ref COLLATE "C" DESC LIMIT $5
), steps AS (
  (SELECT n.at, 4 AS rank, n.ref, 'event' AS step, json_build_object('id', n.id, 'type', n.type, 'tier', n.tier, 'key', n.key, 'offset', n."offset",
      'epoch', n.epoch, 'target', n.target, 'expiresAt', iso(n.expires_at), 'superseded', n.superseded,
      'devices', coalesce(delivered.devices, '[]')) AS what
    FROM newest n
    LEFT JOIN LATERAL (
      SELECT json_agg(json_build_object('deviceId', coalesce(d.device_id, r.device_id), 'state', coalesce(r.state, 0),
        'sentAt', iso(r.sent_at), 'receivedAt', iso(r.received_at), 'appliedAt', iso(r.applied_at), 'seenAt', iso(r.seen_at),
        'registeredAt', iso(d.created_at), 'push', {{pushOutcome}}) ORDER BY coalesce(d.device_id, r.device_id)) AS devices
      FROM ({{devices}}) d
      FULL JOIN ({{receipts}}) r ON r.device_id = d.device_id
    ) delivered ON true)
  UNION ALL
  ({{membershipPage}})
  UNION ALL
  ({{webhookPage}})
  UNION ALL
  ({{streamPage}})
)
SELECT iso(at) AS at, rank, ref, step, what FROM steps ORDER BY steps.at DESC, rank DESC, ref COLLATE "C" DESC LIMIT $5
