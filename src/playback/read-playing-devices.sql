-- Which devices play something, by their last heartbeats.
-- $1 json  [{ userId, deviceId }] · $2 int  seconds without a heartbeat after which a device counts as stopped
-- Out: userId, deviceId of each that plays.
SELECT DISTINCT d."userId", d."deviceId"
FROM json_to_recordset($1::json) AS d ("userId" text, "deviceId" text)
JOIN playback_position p ON p.user_id = d."userId" AND p.device_id = d."deviceId"
WHERE p.state = 'playing' AND p.saved_at > now() - $2 * interval '1 second'
