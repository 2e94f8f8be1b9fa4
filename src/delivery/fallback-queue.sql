-- Queues a push for each device that sleeps and has no receipt. An event that was superseded is not found any more: what took its
-- place has a clock of its own.
-- $1 json    [[user id, offset, [device ids that are awake]?], …]
-- $2 text[]  types that are never pushed · $3 text[]  categories that are pushed only to those who asked for them
-- $4 int     days after which a device is told only what is critical
-- Out: a row (tier) for each push that is new. Repeating it has no second effect.
INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, expires_at)
SELECT e.user_id, d.device_id, e.id, e.key, e.type, e.tier, m.epoch, e."offset",
  CASE d.push ->> 'kind' WHEN 'apns' THEN 'apns' WHEN 'webpush' THEN 'webpush' ELSE 'fcm' END,
  least(e.expires_at, now() + interval '24 hours')
FROM json_array_elements($1::json) AS p (pair)
JOIN mailbox_entry e ON e.user_id = p.pair ->> 0 AND e."offset" = (p.pair ->> 1)::bigint
JOIN mailbox m ON m.user_id = e.user_id
JOIN device d ON d.user_id = e.user_id AND d.push IS NOT NULL AND (e.target IS NULL OR e.target = d.device_id)
LEFT JOIN preference f ON f.user_id = e.user_id
LEFT JOIN receipt r ON r.user_id = e.user_id AND r.event_id = e.id AND r.device_id = d.device_id AND r.state >= 2
WHERE r.event_id IS NULL
  AND NOT coalesce((p.pair -> 2)::jsonb ? d.device_id, false)
  AND e.type <> ALL ($2)
  AND (e.expires_at IS NULL OR e.expires_at > now())
  AND (e.tier = 'critical' OR (
    d.last_seen_at > now() - $4 * interval '1 day'
    AND coalesce((f.body #> ARRAY['categories', split_part(e.type, '.', 1), 'channels', 'push'])::boolean,
      split_part(e.type, '.', 1) <> ALL ($3))))
ORDER BY e.user_id, d.device_id, e.id
ON CONFLICT DO NOTHING
RETURNING tier
