-- Queues the removal of notifications on a user's other devices, for events that were seen on one device.
-- $1 text user id · $2 text  the device that saw them · $3 uuid[] event ids
-- A push that is being sent counts as shown. Its result no longer matters then (settle-pushes.sql ignores it).
-- Returns a row for each push that is to be cleared. Rows are locked in the order of the key, as settle-pushes.sql does.
WITH shown AS MATERIALIZED (
  SELECT user_id, device_id, event_id FROM push
  WHERE user_id = $1 AND device_id <> $2 AND event_id = ANY ($3) AND action = 'show' AND state IN ('sent', 'delivered')
  ORDER BY user_id, device_id, event_id
  FOR NO KEY UPDATE
)
UPDATE push p SET state = 'queued', action = 'clear', attempts = 0, due_at = now(), settled_at = NULL,
  expires_at = now() + interval '1 hour'
FROM shown s
WHERE p.user_id = s.user_id AND p.device_id = s.device_id AND p.event_id = s.event_id
RETURNING 1
