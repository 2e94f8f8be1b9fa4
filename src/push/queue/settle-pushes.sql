-- Writes what became of claimed pushes. A push that has another state by now stays as it is, with one exception: when we removed a dead
-- address from its device, that ended it as device_changed, and `gone` is the better reason.
-- $1 json  [{ userId, deviceId, eventId, state, reason?, dueInMs?, tried }], tried: 1 when it was sent to the provider, else 0
-- Returns nothing. Rows are written in the order of the key, since clear-shown.sql and others meet them in the same one. That is the
-- order of a nested loop over the input, which is what 200 of millions of rows are found by; to lock them first would cost a third more.
UPDATE push p SET
  state = s.state,
  reason = s.reason,
  attempts = p.attempts + s.tried,
  due_at = now() + coalesce(s."dueInMs", 0) * interval '1 millisecond',
  settled_at = CASE WHEN s.state <> 'queued' THEN now() END
FROM (
  SELECT *
  FROM json_to_recordset($1::json) AS r
    ("userId" text, "deviceId" text, "eventId" uuid, state text, reason text, "dueInMs" float8, tried int)
  ORDER BY r."userId" COLLATE "C", r."deviceId" COLLATE "C", r."eventId"
) s
WHERE p.user_id = s."userId" AND p.device_id = s."deviceId" AND p.event_id = s."eventId"
  AND (p.state = 'sent' OR (s.state = 'gone' AND p.reason = 'device_changed'))
