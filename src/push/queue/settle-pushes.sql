-- Writes what became of claimed pushes. A push that has another state by now stays as it is, with one exception: when we removed a dead
-- address from its device, that ended it as device_changed, and `gone` is the better reason.
-- $1 json  [{ userId, deviceId, eventId, state, reason?, dueInMs?, tried }], tried: 1 when it was sent to the provider, else 0
-- Returns nothing. Rows are locked in the order of the key: clear-shown.sql and others meet them in the same one.
WITH settled AS MATERIALIZED (
  SELECT p.user_id, p.device_id, p.event_id, s.state, s.reason, s."dueInMs", s.tried
  FROM json_to_recordset($1::json) AS s
    ("userId" text, "deviceId" text, "eventId" uuid, state text, reason text, "dueInMs" float8, tried int)
  JOIN push p ON p.user_id = s."userId" AND p.device_id = s."deviceId" AND p.event_id = s."eventId"
  WHERE p.state = 'sent' OR (s.state = 'gone' AND p.reason = 'device_changed')
  ORDER BY p.user_id, p.device_id, p.event_id
  FOR NO KEY UPDATE OF p
)
UPDATE push p SET
  state = s.state,
  reason = s.reason,
  attempts = p.attempts + s.tried,
  due_at = now() + coalesce(s."dueInMs", 0) * interval '1 millisecond',
  settled_at = CASE WHEN s.state <> 'queued' THEN now() END
FROM settled s
WHERE p.user_id = s.user_id AND p.device_id = s.device_id AND p.event_id = s.event_id
