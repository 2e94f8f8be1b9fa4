-- Records how far events got on devices; each event and device at most once.
-- $1 json  [{ userId, deviceId, epoch, offset, eventId, type, state (1 to 4), at }]
-- Out: nothing. States only move forward; the instant of each step is that of its first report.
INSERT INTO receipt AS r
  (user_id, device_id, epoch, "offset", event_id, type, state, sent_at, received_at, applied_at, seen_at)
SELECT i."userId", i."deviceId", i.epoch, i."offset", i."eventId", i.type, i.state,
  CASE WHEN i.state = 1 THEN i.at END,
  CASE WHEN i.state = 2 THEN i.at END,
  CASE WHEN i.state = 3 THEN i.at END,
  CASE WHEN i.state = 4 THEN i.at END
FROM json_to_recordset($1::json) AS i
  ("userId" text, "deviceId" text, epoch text, "offset" bigint, "eventId" uuid, type text, state smallint, at timestamptz)
ORDER BY i."userId" COLLATE "C", i."deviceId" COLLATE "C", i."offset"
ON CONFLICT (user_id, device_id, epoch, "offset") DO UPDATE SET
  state = greatest(r.state, excluded.state),
  sent_at = coalesce(r.sent_at, excluded.sent_at),
  received_at = coalesce(r.received_at, excluded.received_at),
  applied_at = coalesce(r.applied_at, excluded.applied_at),
  seen_at = coalesce(r.seen_at, excluded.seen_at)
WHERE r.state < excluded.state
