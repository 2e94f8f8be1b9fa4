-- Forgets addresses that are dead.
-- $1 json  [{ deviceId, address, since? }]
-- Out: deviceId of each that lost its address. One that was registered since lives, and so does another address of the device.
UPDATE device d SET push = NULL, push_registered_at = NULL
FROM json_to_recordset($1::json) AS g ("deviceId" text, address text, since timestamptz)
WHERE d.device_id = g."deviceId" AND d.push ->> 'address' = g.address
  AND (g.since IS NULL OR d.push_registered_at IS NULL OR d.push_registered_at <= g.since)
RETURNING d.device_id AS "deviceId"
