-- Deletes pushes that were settled long ago, the oldest first.
-- $1 int  days · $2 int  limit
-- Returns a row for each.
DELETE FROM push
WHERE (user_id, device_id, event_id) IN (
  SELECT user_id, device_id, event_id FROM push
  WHERE settled_at < now() - $1 * interval '1 day'
  ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING 1
