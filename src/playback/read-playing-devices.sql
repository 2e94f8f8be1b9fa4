-- Which devices play something, as far as their beats say.
-- $1 json  [{ userId, deviceId }] · $2 int  seconds after which a silent device counts as stopped
-- Out: deviceId of each that plays.
SELECT DISTINCT d."deviceId"
FROM json_to_recordset($1::json) AS d ("userId" text, "deviceId" text)
JOIN playback_position p ON p.user_id = d."userId" AND p.device_id = d."deviceId"
WHERE p.state = 'playing' AND p.saved_at > now() - $2 * interval '1 second'
