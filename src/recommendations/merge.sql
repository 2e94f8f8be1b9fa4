-- Merges front pages, for many users at once; each user and profile at most once.
-- $1 json  [{ n, userId, profileId, version, items }]
-- Out: n and outcome of each: 'accepted' (newer than what stood), 'unchanged' (the same version) or 'stale' (an older one).
-- Repeating a part changes nothing. Versions compare as jsonb does: numbers as numbers, texts as texts.
WITH input AS (
  SELECT * FROM json_to_recordset($1::json) AS r (n int, "userId" text, "profileId" text, version jsonb, items json)
), merged AS (
  INSERT INTO recommendation AS r (user_id, profile_id, version, items, updated_at)
  SELECT "userId", "profileId", version, items, now()
  FROM input
  ORDER BY "userId" COLLATE "C", "profileId"
  ON CONFLICT (user_id, profile_id) DO UPDATE
    SET version = excluded.version, items = excluded.items, updated_at = excluded.updated_at
    WHERE r.version < excluded.version
  RETURNING r.user_id, r.profile_id
)
SELECT i.n, CASE
  WHEN m.user_id IS NOT NULL THEN 'accepted'
  WHEN r.version = i.version THEN 'unchanged'
  ELSE 'stale'
END AS outcome
FROM input i
LEFT JOIN merged m ON m.user_id = i."userId" AND m.profile_id = i."profileId"
LEFT JOIN recommendation r ON r.user_id = i."userId" AND r.profile_id = i."profileId"
ORDER BY i.n
