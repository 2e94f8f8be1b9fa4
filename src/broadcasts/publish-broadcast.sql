-- Writes a broadcast, under a number that its transaction has taken.
-- $1 bigint  number · $2 uuid  id · $3 text  type · $4 text  key, or null · $5 json  data · $6 int  one user in so many is counted
-- $7 timestamptz  when it expires · $8 text  the service key that published it
-- Returns nothing. The broadcast of the same key that was in force is superseded.
WITH superseded AS (
  UPDATE broadcast SET superseded_by = $1
  WHERE key = $4 AND withdrawn_at IS NULL AND superseded_by IS NULL AND expires_at > now()
)
INSERT INTO broadcast (number, id, type, key, data, sample, expires_at, key_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
