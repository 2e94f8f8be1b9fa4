-- Takes pushes that are due, with all that decides whether and how they are sent: what has happened since they were queued counts.
-- $1 text vendor · $2 text tier · $3 int  how many at most · $4 int  ms after which they are due again should no outcome come
-- $5 int  days after which a device is stale
-- Out: a row each; `push` null when the device has no address any more, `data` null with `superseded` when a newer event took its
-- place. `own` and `elsewhere`: how far the event got (0 to 4, receipt.ts) on this device and at most on the others. `shown`: other
-- events that are on this device's screen, or go there just now (in no order), and were not seen anywhere.
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
  entry_data(e) AS data, e.id IS NULL AS superseded, f.body AS preferences, r.own, r.elsewhere, b.shown
FROM claimed c
LEFT JOIN device d ON d.device_id = c.device_id AND d.user_id = c.user_id
LEFT JOIN mailbox_entry e ON e.user_id = c.user_id AND e.key = c.key AND e.id = c.event_id
LEFT JOIN preference f ON f.user_id = c.user_id
CROSS JOIN LATERAL (
  SELECT coalesce(max(x.state) FILTER (WHERE x.device_id = c.device_id), 0) AS own,
    coalesce(max(x.state) FILTER (WHERE x.device_id <> c.device_id), 0) AS elsewhere
  FROM receipt x WHERE x.user_id = c.user_id AND x.event_id = c.event_id
) r
CROSS JOIN LATERAL (
  SELECT count(*)::int AS shown
  FROM push o
  JOIN mailbox_entry n ON n.user_id = o.user_id AND n.key = o.key AND n.id = o.event_id
  WHERE o.user_id = c.user_id AND o.device_id = c.device_id AND o.event_id <> c.event_id AND o.action = 'show'
    AND (o.state IN ('delivered', 'sent') OR (o.state = 'queued' AND o.due_at <= now()))
    AND NOT EXISTS (SELECT 1 FROM receipt s WHERE s.user_id = o.user_id AND s.event_id = o.event_id AND s.state = 4)
) b
