-- Removes devices that were not seen for many days.
-- $1 int  days · $2 int  how many at most; rows that another transaction has locked are skipped
-- withdrawPushes: ends what is queued for the devices in `lost` (push/queue/push.fragments.ts)
-- releaseAddresses: ends the claims of the devices in `lost` (addresses/release-addresses.sql)
-- Returns userId, deviceId of each removed device.
WITH unseen AS MATERIALIZED (
  SELECT user_id, device_id FROM device WHERE last_seen_at < now() - $1 * interval '1 day'
  ORDER BY last_seen_at LIMIT $2 FOR UPDATE SKIP LOCKED
), lost AS (
  DELETE FROM device d USING unseen u
  WHERE d.user_id = u.user_id AND d.device_id = u.device_id
  RETURNING d.user_id, d.device_id, d.push ->> 'address' AS address
), withdrawn AS (
  {{withdrawPushes}}
), released AS (
  {{releaseAddresses}}
)
SELECT user_id AS "userId", device_id AS "deviceId" FROM lost
