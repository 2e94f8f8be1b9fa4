-- Queues a push for each device that sleeps and has no receipt: of the events that are named ($1), and of commits so old that their
-- receipts should be there ($5 to $7), the oldest first; what another worker holds is left. An event that was superseded is not found
-- any more: what took its place has a clock of its own.
-- $1 json    [[user id, offset, [device ids that are awake]?], …]
-- $2 text[]  types that are never pushed · $3 text[]  categories that are pushed only to those who asked for them
-- $4 int     days after which a device is told only what is critical
-- $5 text    tier of the commits; null takes none · $6 int  their age in milliseconds · $7 int  how many commits at most
-- Out: one row: commits that were taken, pushes that are new. What the commits hold never leaves the database.
-- Atomic: a commit is gone from the clock if and only if its pushes are queued. Repeating $1 has no second effect.
WITH due AS (
  SELECT id FROM fallback
  WHERE tier = $5 AND created_at <= now() - $6 * interval '1 millisecond'
  ORDER BY created_at
  LIMIT $7
  FOR UPDATE SKIP LOCKED
), taken AS (
  DELETE FROM fallback f USING due WHERE f.id = due.id RETURNING f.positions
), place AS (
  SELECT pair FROM json_array_elements($1::json) AS n (pair)
  UNION ALL
  SELECT pair FROM taken, json_array_elements(taken.positions) AS c (pair)
), queued AS (
  INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, expires_at)
  SELECT e.user_id, d.device_id, e.id, e.key, e.type, e.tier, m.epoch, e."offset",
    CASE d.push ->> 'kind' WHEN 'apns' THEN 'apns' WHEN 'webpush' THEN 'webpush' ELSE 'fcm' END,
    least(e.expires_at, now() + interval '24 hours')
  FROM place p
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
  RETURNING 1
)
SELECT (SELECT count(*)::int FROM taken) AS commits, (SELECT count(*)::int FROM queued) AS pushes
