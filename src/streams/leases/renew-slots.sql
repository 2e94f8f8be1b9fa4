-- Renews the slots of streams that still hold them, for many at once.
-- $1 text[] stream ids, $2 int seconds from now
-- Out: streamId of each that was renewed.
-- Takes no user's lock, since it only keeps what is held. It may meet a start that counts an expired slot as free: the start sets `lapsed`
-- in its transaction, and whichever of the two locks the row second sees the other's change. Rows are locked in the order of their
-- ids, so that two renewals never deadlock.
WITH held AS (
  SELECT stream_id
  FROM stream
  WHERE stream_id = ANY ($1) AND ended_at IS NULL AND NOT lapsed AND slot_until > now()
  ORDER BY stream_id
  FOR NO KEY UPDATE
)
UPDATE stream s SET slot_until = now() + $2 * interval '1 second'
FROM held h
WHERE s.stream_id = h.stream_id AND s.ended_at IS NULL AND NOT s.lapsed
RETURNING s.stream_id AS "streamId"
