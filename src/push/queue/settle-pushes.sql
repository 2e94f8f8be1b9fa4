-- Writes what became of pushes that were claimed. One that ended meanwhile, as its device changed hands, stays as it is (but
-- the address that is gone was taken from the device by ourselves).
-- $1 json  [{ userId, deviceId, eventId, state, reason?, dueInMs?, tried }], tried: 1 when a vendor was asked, else 0
-- Out: nothing.
UPDATE push p SET
  state = s.state,
  reason = s.reason,
  attempts = p.attempts + s.tried,
  due_at = now() + coalesce(s."dueInMs", 0) * interval '1 millisecond',
  settled_at = CASE WHEN s.state <> 'queued' THEN now() END
FROM json_to_recordset($1::json) AS s
  ("userId" text, "deviceId" text, "eventId" uuid, state text, reason text, "dueInMs" float8, tried int)
WHERE p.user_id = s."userId" AND p.device_id = s."deviceId" AND p.event_id = s."eventId" AND (p.state = 'sent' OR (s.state = 'gone' AND p.reason = 'device_changed'))
