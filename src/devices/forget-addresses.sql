-- Removes push addresses that their providers no longer accept.
-- $1 json  [{ deviceId, address, since? }]; since: when the provider stopped accepting it, if known
-- Returns deviceId of each device that lost its address. An address that was registered after `since` stays, and so does a device's
-- other address.
UPDATE device d SET push = NULL, push_registered_at = NULL
FROM json_to_recordset($1::json) AS g ("deviceId" text, address text, since timestamptz)
WHERE d.device_id = g."deviceId" AND d.push ->> 'address' = g.address
  AND (g.since IS NULL OR d.push_registered_at IS NULL OR d.push_registered_at <= g.since)
RETURNING d.device_id AS "deviceId"
