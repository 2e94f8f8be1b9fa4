-- Stops a user's streams, under the user's lock.
-- $1 text user, $2 text reason, $3 int how many of the oldest that hold a slot stay, $4 text or null: only streams of this device
-- Out: streamId, deviceId, edgeId, stopped, version (of the membership) of each stream of the user that had not ended before.
-- With $3 = 0 streams whose slot ran out are stopped too: after an outage of PostgreSQL their edge nodes may still be sending.
WITH running AS (
  SELECT stream_id, device_id, edge_id, NOT lapsed AND slot_until > now() AS live,
    row_number() OVER (PARTITION BY NOT lapsed AND slot_until > now() ORDER BY slot_since, stream_id) AS place
  FROM stream
  WHERE user_id = $1 AND ended_at IS NULL AND ($4::text IS NULL OR device_id = $4)
), due AS (
  SELECT s.stream_id
  FROM stream s
  JOIN running r USING (stream_id)
  WHERE s.ended_at IS NULL AND ($3 = 0 OR (r.live AND r.place > $3))
  ORDER BY s.stream_id
  FOR NO KEY UPDATE OF s
), ended AS (
  UPDATE stream s SET ended_at = now(), end_reason = $2
  FROM due d
  WHERE s.stream_id = d.stream_id AND s.ended_at IS NULL
  RETURNING s.stream_id
)
SELECT r.stream_id AS "streamId", r.device_id AS "deviceId", r.edge_id AS "edgeId", e.stream_id IS NOT NULL AS stopped,
  {{membershipVersion}} AS version
FROM running r
LEFT JOIN ended e USING (stream_id)
ORDER BY r.stream_id
