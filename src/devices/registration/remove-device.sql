-- Removes a device of a user.
-- $1 text  user id · $2 text  device id
-- withdrawPushes: ends what is queued for the devices in `lost` (push/queue/push.fragments.ts)
-- releaseAddresses: ends the claims of the devices in `lost` (addresses/release-addresses.sql)
-- Returns a row if the user had the device.
WITH lost AS (
  DELETE FROM device WHERE user_id = $1 AND device_id = $2
  RETURNING user_id, device_id, push ->> 'address' AS address
), withdrawn AS (
  {{withdrawPushes}}
), released AS (
  {{releaseAddresses}}
)
SELECT 1 FROM lost
