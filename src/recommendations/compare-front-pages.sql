-- Compares front pages that were not merged with what is stored now. It is a statement of its own, after the merge: another transaction may
-- have committed a page between the snapshot and the lock of the merge, which then meets the page and does not see it.
-- $1 text[] user ids · $2 text[] profile ids · $3 text[] versions and $4 text[] items, as JSON
-- Returns one row: unchanged (how many are stored with that version), conflicting (how many of these have other items).
SELECT
  count(*) AS unchanged,
  -- The texts are mostly the same, and compared faster than JSON.
  count(*) FILTER (WHERE r.items::text <> i.items AND r.items::jsonb <> i.items::jsonb) AS conflicting
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS i (user_id, profile_id, version, items)
JOIN recommendation r USING (user_id, profile_id)
WHERE r.version = i.version::jsonb
