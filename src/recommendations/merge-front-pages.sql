-- Stores the front pages that are newer than what is stored, and appends the event of each, for many users at once; each user and
-- profile at most once in the input.
-- $1 text[] user ids · $2 text[] profile ids · $3 text[] versions and $4 text[] items, as JSON · $5 text[] ids and $6 text[] keys of
-- their events · $7 uuid  id of the handoff · $8 timestamptz  now · $9 int  milliseconds over which the users are told
-- eventType: type, tier and push policy · appendEvents: mailbox/append.fragments.ts
-- Returns one row: accepted (json [[n, epoch, offset], …], n = 1, 2, 3 …). The rest had that version already, or a newer one.
-- Repeating it changes nothing. Versions compare as jsonb does: numbers as numbers, texts as texts.
-- Atomic. Pages are locked first, in the order of user_id and profile_id, then counters in the order of user_id: two merges, or a merge
-- and an append, never deadlock.
WITH input AS (
  SELECT n, user_id, profile_id, version::jsonb, items, id::uuid, key
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    WITH ORDINALITY AS r (user_id, profile_id, version, items, id, key, n)
), merged AS (
  INSERT INTO recommendation AS r (user_id, profile_id, version, items, updated_at, bucket)
  SELECT user_id, profile_id, version, items::json, $8::timestamptz, bucket_of(user_id)
  FROM input
  ORDER BY user_id COLLATE "C", profile_id
  ON CONFLICT (user_id, profile_id, bucket) DO UPDATE
    SET version = excluded.version, items = excluded.items, updated_at = excluded.updated_at
    WHERE r.version < excluded.version
  RETURNING r.user_id, r.profile_id
), event AS (
  SELECT i.n, i.id, i.user_id, i.key, {{eventType}}, i.profile_id, NULL AS target, $8::timestamptz AS at,
    NULL::timestamptz AS expires_at, NULL::json AS data
  FROM merged
  JOIN input i USING (user_id, profile_id)
), {{appendEvents}}
SELECT
  ('[' || (SELECT string_agg('[' || n || ',"' || epoch || '",' || "offset" || ']', ',') FROM placed) || ']')::json AS accepted
