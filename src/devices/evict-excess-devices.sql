-- Removes devices of users who have too many: those that were not seen for the longest time.
-- $1 text[]  user ids · $2 int  how many devices each user keeps
-- Returns userId, deviceId of each removed device. Pushes that are queued for it are withdrawn in the same commit (trigger device_removed).
DELETE FROM device d
USING (
  SELECT device_id, row_number() OVER (PARTITION BY user_id ORDER BY last_seen_at DESC, device_id) AS rank
  FROM device WHERE user_id = ANY ($1)
) ranked
WHERE d.device_id = ranked.device_id AND ranked.rank > $2
RETURNING d.user_id AS "userId", d.device_id AS "deviceId"
