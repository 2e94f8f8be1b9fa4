-- Merges front pages and appends the event of each that is newer than what stood, for many users at once; each user and profile at
-- most once. What it does to mailboxes is what mailbox/append.sql does, for this one kind of event.
-- $1 text[] user ids · $2 text[] profile ids · $3 text[] versions and $4 text[] items, as JSON · $5 text[] ids of their events
-- $6 uuid  the id of the handoff and of the fallback, as in append.sql · $7 timestamptz  when
-- Out: one row: places (json [[n, epoch, offset], …], n = 1, 2, 3 …, of what was accepted) and unchanged (how many had that version
-- already); the rest is stale. Repeating it changes nothing. Versions compare as jsonb does: numbers as numbers, texts as texts.
-- Atomic. Pages are locked first, then counters, each in the order of user_id, so that two of these, or one and an append, never
-- wait for each other in a circle. The counter row's lock is held until commit: no holes, commit order is offset order.
-- An entry has no data of its own: it is the page's (front_page). Only users who said what they want pushed get a fallback: nobody
-- else is pushed a front page (OPT_IN in devices/preferences.ts).
WITH input AS (
  SELECT n, user_id, profile_id, version::jsonb, items, id::uuid
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    WITH ORDINALITY AS r (user_id, profile_id, version, items, id, n)
), merged AS (
  INSERT INTO recommendation AS r (user_id, profile_id, version, items, updated_at)
  SELECT user_id, profile_id, version, items::json, $7::timestamptz
  FROM input
  ORDER BY user_id COLLATE "C", profile_id
  ON CONFLICT (user_id, profile_id) DO UPDATE
    SET version = excluded.version, items = excluded.items, updated_at = excluded.updated_at
    WHERE r.version < excluded.version
  RETURNING r.user_id, r.profile_id
), counter AS (
  INSERT INTO mailbox AS m (user_id, epoch, last_offset)
  SELECT user_id, (SELECT epoch FROM installation), count(*)
  FROM merged
  GROUP BY user_id
  ORDER BY user_id
  ON CONFLICT (user_id) DO UPDATE SET last_offset = m.last_offset + excluded.last_offset
  RETURNING m.user_id, m.epoch, m.last_offset
), placed AS MATERIALIZED (
  SELECT i.n, i.id, i.user_id, i.profile_id, c.epoch,
    c.last_offset - count(*) OVER (PARTITION BY i.user_id)
      + row_number() OVER (PARTITION BY i.user_id ORDER BY i.n) AS "offset"
  FROM merged
  JOIN input i USING (user_id, profile_id)
  JOIN counter c ON c.user_id = i.user_id
), kept AS (
  INSERT INTO mailbox_entry AS e (user_id, key, "offset", id, type, tier, profile_id, at)
  SELECT user_id, 'recommendations:' || profile_id, "offset", id, 'recommendations.ready', 'important', profile_id, $7::timestamptz
  FROM placed
  ON CONFLICT (user_id, key) DO UPDATE SET
    "offset" = excluded."offset", id = excluded.id, type = excluded.type, tier = excluded.tier,
    profile_id = excluded.profile_id, target = excluded.target, data = excluded.data,
    at = excluded.at, expires_at = excluded.expires_at
), position AS MATERIALIZED (
  -- Put together as text, which is much quicker than json_agg; user ids need no escapes.
  SELECT user_id, '["' || user_id || '",' || "offset" || ']' AS text FROM placed
), remembered AS (
  INSERT INTO handoff (id, tier, positions)
  SELECT $6::uuid, 'important', ('[' || string_agg(text, ',') || ']')::json FROM position HAVING count(*) > 0
), clocked AS (
  INSERT INTO fallback (id, tier, positions)
  SELECT $6::uuid, 'important', ('[' || string_agg(text, ',') || ']')::json
  FROM position JOIN preference USING (user_id)
  HAVING count(*) > 0
)
SELECT
  ('[' || (SELECT string_agg('[' || n || ',"' || epoch || '",' || "offset" || ']', ',') FROM placed) || ']')::json AS places,
  CASE WHEN (SELECT count(*) FROM merged) < cardinality($1) THEN (
    SELECT count(*)
    FROM input i
    JOIN recommendation r USING (user_id, profile_id)
    WHERE r.version = i.version
      AND NOT EXISTS (SELECT FROM merged m WHERE m.user_id = i.user_id AND m.profile_id = i.profile_id)
  ) ELSE 0 END AS unchanged
