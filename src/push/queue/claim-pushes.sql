-- Claims pushes that are due, with all that decides whether and how they are sent: what has happened since they were queued counts.
-- $1 text provider · $2 text tier · $3 int  how many at most · $4 int  ms after which they are due again should no result come
-- $5 int  days after which a device that was not seen is stale
-- target, preferences: devices/device.fragments.ts · newestData, isNewest: mailbox/mailbox.fragments.ts
-- furthestStates, isSeen: delivery/receipts/receipt.fragments.ts
-- Returns a row each; `push` is null when the device has no address any more, `data` null with `superseded` when a newer event took
-- its place. `own` and `elsewhere`: how far the event got (0 to 4, receipt.ts) on this device and at most on the others. `shown`:
-- other events that are on this device's screen, or go there just now (in no order), and were not seen anywhere.
-- What another worker holds is left to it.
WITH due AS (
  SELECT user_id, device_id, event_id FROM push
  WHERE vendor = $1 AND tier = $2 AND state IN ('queued', 'sent') AND due_at <= now()
  ORDER BY due_at
  LIMIT $3
  FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE push p SET state = 'sent', due_at = now() + $4 * interval '1 millisecond'
  FROM due
  WHERE p.user_id = due.user_id AND p.device_id = due.device_id AND p.event_id = due.event_id
  RETURNING p.*
)
SELECT c.user_id AS "userId", c.device_id AS "deviceId", c.event_id AS "eventId", c.key, c.type, c.tier, c.epoch, c."offset",
  c.action, c.attempts, c.expires_at AS "expiresAt",
  d.push, d.locale, d.timezone, coalesce(d.last_seen_at < now() - $5 * interval '1 day', true) AS stale,
  e.data, e.is_newest IS NULL AS superseded, f.body AS preferences, r.own, r.elsewhere, b.shown
FROM claimed c
LEFT JOIN LATERAL ({{target}}) d ON true
LEFT JOIN LATERAL ({{newestData}}) e ON true
LEFT JOIN LATERAL ({{preferences}}) f ON true
CROSS JOIN LATERAL ({{furthestStates}}) r
CROSS JOIN LATERAL (
  SELECT count(*)::int AS shown
  FROM push o
  WHERE o.user_id = c.user_id AND o.device_id = c.device_id AND o.event_id <> c.event_id AND o.action = 'show'
    AND (o.state IN ('delivered', 'sent') OR (o.state = 'queued' AND o.due_at <= now()))
    AND {{isNewest}}
    AND NOT {{isSeen}}
) b
