-- Records how far events got on devices; each event and device at most once.
-- $1 json  [{ userId, id (of the event), type, epoch, offset, devices: [[deviceId, state (1 to 4)]] }]
-- $2 timestamptz  when the steps happened
-- Returns nothing. A state only moves forward; the time of each step is that of its first report. Rows are written in a fixed
-- order, so that two statements cannot deadlock.
INSERT INTO receipt AS r
  (user_id, device_id, epoch, "offset", event_id, type, state, sent_at, received_at, applied_at, seen_at, bucket)
SELECT e."userId", d.pair ->> 0, e.epoch, e."offset", e.id, e.type, s.state,
  CASE WHEN s.state = 1 THEN $2::timestamptz END,
  CASE WHEN s.state = 2 THEN $2::timestamptz END,
  CASE WHEN s.state = 3 THEN $2::timestamptz END,
  CASE WHEN s.state = 4 THEN $2::timestamptz END,
  bucket_of(e."userId")
FROM json_to_recordset($1::json) AS e ("userId" text, id uuid, type text, epoch text, "offset" bigint, devices json)
CROSS JOIN LATERAL json_array_elements(e.devices) AS d (pair)
CROSS JOIN LATERAL (SELECT (d.pair ->> 1)::smallint AS state) s
ORDER BY e."userId" COLLATE "C", (d.pair ->> 0) COLLATE "C", e.epoch, e."offset"
ON CONFLICT (user_id, device_id, epoch, "offset", bucket) DO UPDATE SET
  state = greatest(r.state, excluded.state),
  sent_at = coalesce(r.sent_at, excluded.sent_at),
  received_at = coalesce(r.received_at, excluded.received_at),
  applied_at = coalesce(r.applied_at, excluded.applied_at),
  seen_at = coalesce(r.seen_at, excluded.seen_at)
WHERE r.state < excluded.state
