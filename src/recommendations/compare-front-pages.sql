-- Compares front pages with what is stored now: those that are not newer need not be merged. It is a statement of its own, before or after the
-- merge: another transaction may have committed a page between the snapshot and the lock of the merge, which then meets the page and does not
-- see it. It reads, and locks nothing.
-- $1 text[] user ids · $2 text[] profile ids · $3 text[] versions and $4 text[] items, as JSON
-- Returns one row: known (json [n, …], n = 1, 2, 3 …: the pages of which that version is stored, or a newer one), unchanged (how many of
-- these are stored with that version), conflicting (how many of the unchanged have other items).
WITH known AS (
  -- The texts are mostly the same, and compared faster than JSON.
  SELECT i.n, r.version = i.version::jsonb AS is_same, r.items::text <> i.items AND r.items::jsonb <> i.items::jsonb AS is_other
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS i (user_id, profile_id, version, items, n)
  JOIN recommendation r USING (user_id, profile_id)
  WHERE r.version >= i.version::jsonb
)
SELECT
  ('[' || coalesce(string_agg(n::text, ','), '') || ']')::json AS known,
  count(*) FILTER (WHERE is_same) AS unchanged,
  count(*) FILTER (WHERE is_same AND is_other) AS conflicting
FROM known
