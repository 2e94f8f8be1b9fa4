-- Retires devices of users who have too many: those that were not seen for longest.
-- $1 text[] user ids · $2 int  how many each keeps
-- Out: userId, deviceId of each that is gone. What was queued for them ends with them (trigger device_removed).
DELETE FROM device d
USING (
  SELECT device_id, row_number() OVER (PARTITION BY user_id ORDER BY last_seen_at DESC, device_id) AS place
  FROM device WHERE user_id = ANY ($1)
) ranked
WHERE d.device_id = ranked.device_id AND ranked.place > $2
RETURNING d.user_id AS "userId", d.device_id AS "deviceId"
