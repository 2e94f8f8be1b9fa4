-- Stores the front pages that are newer than what is stored, for many users at once; each user and profile at most once in the input.
-- $1 text[] user ids · $2 text[] profile ids · $3 text[] versions and $4 text[] items, as JSON · $5 timestamptz  now
-- Returns one row: accepted (json [n, …], n = 1, 2, 3 …) and unchanged (how many had that version already); the rest is stale.
-- Repeating it changes nothing. Versions compare as jsonb does: numbers as numbers, texts as texts.
-- Rows are locked in the order of user_id and profile_id, so that two merges never deadlock.
WITH input AS (
  SELECT n, user_id, profile_id, version::jsonb, items
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS r (user_id, profile_id, version, items, n)
), merged AS (
  INSERT INTO recommendation AS r (user_id, profile_id, version, items, updated_at)
  SELECT user_id, profile_id, version, items::json, $5::timestamptz
  FROM input
  ORDER BY user_id COLLATE "C", profile_id
  ON CONFLICT (user_id, profile_id) DO UPDATE
    SET version = excluded.version, items = excluded.items, updated_at = excluded.updated_at
    WHERE r.version < excluded.version
  RETURNING r.user_id, r.profile_id
)
SELECT
  (SELECT coalesce(json_agg(i.n), '[]') FROM merged JOIN input i USING (user_id, profile_id)) AS accepted,
  CASE WHEN (SELECT count(*) FROM merged) < cardinality($1) THEN (
    SELECT count(*)
    FROM input i
    JOIN recommendation r USING (user_id, profile_id)
    WHERE r.version = i.version
      AND NOT EXISTS (SELECT FROM merged m WHERE m.user_id = i.user_id AND m.profile_id = i.profile_id)
  ) ELSE 0 END AS unchanged
