-- Removes devices of users who have too many: those that were not seen for the longest time.
-- $1 text[]  user ids · $2 int  how many devices each user keeps
-- withdrawPushes: ends what is queued for the devices in `lost` (push/queue/push.fragments.ts)
-- releaseAddresses: ends the claims of the devices in `lost` (addresses/release-addresses.sql)
-- Returns userId, deviceId of each removed device. Rows are locked in the order of user and device, so that two statements cannot
-- deadlock.
WITH ranked AS (
  SELECT user_id, device_id,
    row_number() OVER (PARTITION BY user_id ORDER BY last_seen_at DESC, device_id) AS rank
  FROM device WHERE user_id = ANY ($1)
), excess AS MATERIALIZED (
  SELECT d.user_id, d.device_id
  FROM device d
  JOIN ranked r ON r.user_id = d.user_id AND r.device_id = d.device_id
  WHERE r.rank > $2
  ORDER BY d.user_id, d.device_id
  FOR UPDATE OF d
), lost AS (
  DELETE FROM device d USING excess e
  WHERE d.user_id = e.user_id AND d.device_id = e.device_id
  RETURNING d.user_id, d.device_id, d.push ->> 'address' AS address
), withdrawn AS (
  {{withdrawPushes}}
), released AS (
  {{releaseAddresses}}
)
SELECT user_id AS "userId", device_id AS "deviceId" FROM lost
