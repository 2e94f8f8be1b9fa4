-- Reads how far durable events got on the devices that they are for.
-- $1 json  [{ n, userId, eventId, target? }]
-- devices: the user's registered devices (devices/device.fragments.ts)
-- Returns n, deviceId, state (0 without a receipt, else 1 to 4: rankOf in receipt.ts) for each of the user's registered devices (only
-- the target, if there is one), in the order of n and device.
SELECT i.n, d.device_id AS "deviceId", coalesce(r.state, 0) AS state
FROM json_to_recordset($1::json) AS i (n int, "userId" text, "eventId" uuid, target text)
JOIN LATERAL ({{devices}}) d ON i.target IS NULL OR d.device_id = i.target
LEFT JOIN receipt r ON r.user_id = i."userId" AND r.event_id = i."eventId" AND r.device_id = d.device_id
ORDER BY i.n, d.device_id
