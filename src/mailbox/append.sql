-- Appends durable events to their users' mailboxes, and hands them to the consumers.
-- $1 json  [{ n, id, userId, key, type, tier, profileId?, target?, at, expiresAt?, data, push? }], n = 0, 1, 2 …
--          push: 'never', or 'opt_in' for what is pushed only to users with preferences; absent for everything else
-- $2 uuid  id of the handoff rows · $3 text  their tier
-- hasPreferences: whether the user `p.user_id` has set preferences (devices/device.fragments.ts)
-- Returns one row, positions: [[epoch, offset]] of the events, in the order of n.
-- Atomic: offsets, entries and handoffs are written together, or nothing is. The lock on a user's counter row is held until the commit,
-- so a user's events are committed in the order of their offsets, without gaps. Counters are locked in the order of user_id, so that two
-- appends cannot deadlock. A handoff row stays until its consumer settles or claims it: what a crash interrupts is found there.
WITH input AS (
  SELECT *
  FROM json_to_recordset($1::json) AS e (
    n int, id uuid, "userId" text, key text, type text, tier text,
    "profileId" text, target text, at timestamptz, "expiresAt" timestamptz, data json, push text
  )
), counter AS (
  INSERT INTO mailbox AS m (user_id, epoch, last_offset)
  SELECT i."userId", (SELECT epoch FROM installation), count(*)
  FROM input i
  GROUP BY i."userId"
  ORDER BY i."userId" COLLATE "C"
  ON CONFLICT (user_id) DO UPDATE SET last_offset = m.last_offset + excluded.last_offset
  RETURNING m.user_id, m.epoch, m.last_offset
), placed AS (
  SELECT i.*, c.epoch,
    c.last_offset - count(*) OVER (PARTITION BY i."userId")
      + row_number() OVER (PARTITION BY i."userId" ORDER BY i.n) AS "offset"
  FROM input i
  JOIN counter c ON c.user_id = i."userId"
), entry AS (
  INSERT INTO mailbox_entry AS e
    (user_id, key, "offset", id, type, tier, profile_id, target, data, at, expires_at)
  SELECT DISTINCT ON (p."userId", p.key)
    p."userId", p.key, p."offset", p.id, p.type, p.tier, p."profileId", p.target, p.data, p.at, p."expiresAt"
  FROM placed p
  ORDER BY p."userId", p.key, p."offset" DESC
  ON CONFLICT (user_id, key) DO UPDATE SET
    "offset" = excluded."offset", id = excluded.id, type = excluded.type, tier = excluded.tier,
    profile_id = excluded.profile_id, target = excluded.target, data = excluded.data,
    at = excluded.at, expires_at = excluded.expires_at
), position AS MATERIALIZED (
  SELECT p."userId" AS user_id, p."offset", p.push FROM placed p
), handed_off AS (
  INSERT INTO handoff (id, consumer, tier, positions)
  SELECT $2::uuid, 'delivery', $3, json_agg(json_build_array(user_id, "offset")) FROM position
  UNION ALL
  SELECT $2::uuid, 'push', $3, json_agg(json_build_array(p.user_id, p."offset")) FROM position p
  WHERE p.push IS NULL OR (p.push = 'opt_in' AND {{hasPreferences}})
  HAVING count(*) > 0
)
SELECT json_agg(json_build_array(epoch, "offset") ORDER BY n) AS positions FROM placed
