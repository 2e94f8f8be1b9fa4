-- Takes what was committed so long ago that its receipts should be there, the oldest first; what another worker holds is left.
-- $1 text  tier · $2 int  age in milliseconds · $3 int  how many commits at most
-- Out: positions (json [[user id, offset], …]) of each commit. The rows are gone when the surrounding transaction commits.
WITH due AS (
  SELECT id FROM fallback
  WHERE tier = $1 AND created_at <= now() - $2 * interval '1 millisecond'
  ORDER BY created_at
  LIMIT $3
  FOR UPDATE SKIP LOCKED
)
DELETE FROM fallback f USING due WHERE f.id = due.id RETURNING f.positions
