-- Removes devices that were not seen for many days.
-- $1 int  days · $2 int  how many at most; rows that another transaction has locked are skipped
-- Returns userId, deviceId of each removed device.
DELETE FROM device
WHERE device_id IN (
  SELECT device_id FROM device WHERE last_seen_at < now() - $1 * interval '1 day'
  ORDER BY last_seen_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING user_id AS "userId", device_id AS "deviceId"
