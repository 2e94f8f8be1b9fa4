-- Claims pushes that are due, with all that decides whether and how they are sent, as of now and not as of when they were queued.
-- $1 text provider · $2 text tier · $3 int  limit · $4 int  ms after which they are due again if nobody settles them
-- $5 int  days after which a device that was not seen is stale
-- pause: push.fragments.ts, of an operator who holds them back: then there is no row, on any node
-- target, preferences: devices/device.fragments.ts · newestData, isNewest: mailbox/mailbox.fragments.ts
-- furthestStates, isSeen: delivery/receipts/receipt.fragments.ts
-- Returns a row each. `target` is null when the device has no push address any more, `data` is null and `superseded` true when a newer
-- event has replaced this one. `rank`, `rankElsewhere`: how far the event got (0 to 4, receipt.ts) on this device, and at most on the
-- others. `unseen`: other events that are on this device's screen, or being sent there (in no order), and were not seen on any device.
-- Pushes that another worker holds are skipped.
WITH due AS (
  SELECT user_id, device_id, event_id FROM push
  WHERE vendor = $1 AND tier = $2 AND state IN ('queued', 'sent') AND due_at <= now() AND NOT EXISTS ({{pause}})
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
  d.push AS target, d.locale, d.timezone, coalesce(d.last_seen_at < now() - $5 * interval '1 day', true) AS stale,
  e.data, e.is_newest IS NULL AS superseded, f.body AS preferences, r.own AS rank, r.elsewhere AS "rankElsewhere", b.unseen
FROM claimed c
LEFT JOIN LATERAL ({{target}}) d ON true
LEFT JOIN LATERAL ({{newestData}}) e ON true
LEFT JOIN LATERAL ({{preferences}}) f ON true
CROSS JOIN LATERAL ({{furthestStates}}) r
CROSS JOIN LATERAL (
  SELECT count(*)::int AS unseen
  FROM push o
  WHERE o.user_id = c.user_id AND o.device_id = c.device_id AND o.event_id <> c.event_id AND o.action = 'show'
    AND (o.state IN ('delivered', 'sent') OR (o.state = 'queued' AND o.due_at <= now()))
    AND {{isNewest}}
    AND NOT {{isSeen}}
) b
