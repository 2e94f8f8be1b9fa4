-- Removes push addresses that their providers no longer accept.
-- $1 json  [{ userId, deviceId, address, since? }]; since: when the provider stopped accepting it, if known
-- withdrawPushes: ends what is queued for the devices in `lost` (push/queue/push.fragments.ts)
-- releaseAddresses: ends the claims of the devices in `lost` (addresses/release-addresses.sql)
-- Returns userId, deviceId of each device that lost its address. An address that was registered after `since` stays, and so does a
-- device's other address. Rows are locked in the order of user and device, so that two statements cannot deadlock.
WITH dead AS MATERIALIZED (
  SELECT d.user_id, d.device_id, g.address
  FROM json_to_recordset($1::json) AS g ("userId" text, "deviceId" text, address text, since timestamptz)
  JOIN device d ON d.user_id = g."userId" AND d.device_id = g."deviceId"
  WHERE d.push ->> 'address' = g.address
    AND (g.since IS NULL OR d.push_registered_at IS NULL OR d.push_registered_at <= g.since)
  ORDER BY d.user_id, d.device_id
  FOR UPDATE OF d
), lost AS (
  UPDATE device d SET push = NULL, push_registered_at = NULL
  FROM dead x
  WHERE d.user_id = x.user_id AND d.device_id = x.device_id
  RETURNING d.user_id, d.device_id, x.address
), withdrawn AS (
  {{withdrawPushes}}
), released AS (
  {{releaseAddresses}}
)
SELECT user_id AS "userId", device_id AS "deviceId" FROM lost
