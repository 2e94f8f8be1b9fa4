-- A fragment of a WITH: appends the rows of its table `event` to their users' mailboxes, and hands them to the consumers.
-- event: n int (1 or 0, 1, 2 …: the order) · id uuid · user_id · key · type · tier · profile_id · target · at · expires_at · data json ·
--        push ('never', or 'opt_in' for what is pushed only to users with preferences; null for everything else)
-- handoffId uuid, tier text: of the handoff rows · dueFrom timestamptz: from when on they count as waiting · hasPreferences: whether the user `p.user_id` has set any (devices/device.fragments.ts)
-- pastEvents: past-events.sql, or nothing
-- generationBase: the offset below the first one of this generation (platform/postgres/generation.fragments.ts)
-- Adds the table placed: the columns of `event`, with the epoch, the bucket and the offset of each.
-- Atomic: offsets, entries and handoffs are written together, or nothing is. The lock on a user's counter row is held until the commit,
-- so a user's events are committed in the order of their offsets, without gaps. Counters are locked in the order of user_id, so that two
-- appends cannot deadlock. A handoff row stays until its consumer settles or claims it: what a crash interrupts is found there.
-- After a failover of PostgreSQL each mailbox goes on 2^32 higher, and remembers where it was: devices may have had events with the
-- offsets between, which are lost (docs/decisions/failover-with-a-lost-tail.md).
generation AS MATERIALIZED (
  SELECT {{generationBase}} AS base
), counter AS (
  INSERT INTO mailbox AS m (user_id, epoch, last_offset, bucket)
  SELECT i.user_id, (SELECT epoch FROM installation), (SELECT base FROM generation) + count(*), bucket_of(i.user_id)
  FROM event i
  GROUP BY i.user_id
  ORDER BY i.user_id COLLATE "C"
  ON CONFLICT (user_id, bucket) DO UPDATE SET
    last_offset = excluded.last_offset + greatest(m.last_offset - (SELECT base FROM generation), 0),
    generation_ends = CASE WHEN m.last_offset < (SELECT base FROM generation) THEN m.generation_ends || m.last_offset ELSE m.generation_ends END
  RETURNING m.user_id, m.epoch, m.last_offset, m.bucket
), placed AS MATERIALIZED (
  SELECT i.*, c.epoch, c.bucket,
    c.last_offset - count(*) OVER (PARTITION BY i.user_id)
      + row_number() OVER (PARTITION BY i.user_id ORDER BY i.n) AS "offset"
  FROM event i
  JOIN counter c ON c.user_id = i.user_id
), entry AS (
  INSERT INTO mailbox_entry AS e
    (user_id, key, "offset", id, type, tier, profile_id, target, data, at, expires_at, bucket)
  SELECT DISTINCT ON (p.user_id, p.key)
    p.user_id, p.key, p."offset", p.id, p.type, p.tier, p.profile_id, p.target, p.data, p.at, p.expires_at,
    p.bucket
  FROM placed p
  ORDER BY p.user_id, p.key, p."offset" DESC
  ON CONFLICT (user_id, key, bucket) DO UPDATE SET
    "offset" = excluded."offset", id = excluded.id, type = excluded.type, tier = excluded.tier,
    profile_id = excluded.profile_id, target = excluded.target, data = excluded.data,
    at = excluded.at, expires_at = excluded.expires_at
  RETURNING old.id AS past_id, old."offset" AS past_offset, old.type AS past_type, old.tier AS past_tier, old.target AS past_target,
    old.at AS past_at, old.expires_at AS past_expires_at, e.user_id, e.key, e.id, e.bucket
), {{pastEvents}} position AS MATERIALIZED (
  -- Put together as text, which takes a fraction of json_build_array; user ids need no escapes.
  SELECT p.user_id, p.push, '["' || p.user_id || '",' || p."offset" || ']' AS text FROM placed p
), handed_off AS (
  INSERT INTO handoff (id, consumer, tier, positions, created_at)
  SELECT {{handoffId}}, 'delivery', {{tier}}, ('[' || string_agg(text, ',') || ']')::json, {{dueFrom}}
  FROM position
  HAVING count(*) > 0
  UNION ALL
  SELECT {{handoffId}}, 'push', {{tier}}, ('[' || string_agg(text, ',') || ']')::json, {{dueFrom}}
  FROM (
    SELECT text FROM position WHERE push IS NULL
    UNION ALL
    SELECT p.text FROM position p WHERE p.push = 'opt_in' AND {{hasPreferences}}
  ) pushed
  HAVING count(*) > 0
)
