-- Stores events that are not known yet.
-- $1 jsonb  [{ n, day, userId, id, kind, at, isMachine?, team?, campaign?, template?, channel?, platform?, country?, messageId? }]
-- isMessage: messages/queue/message.fragments.ts
-- Returns, for each n (the call that brought it) that had new ones, how many. One statement, one commit.
-- What was done with a message that is no longer there is not stored: its user was erased, or it is old.
-- An event is known by user, id and day; one that comes again with another time is looked for in the days around. Of the lock, which the number of an event
-- must not be drawn without, docs/decisions/rollups-from-a-watermark.md tells. Rows are written in the order of the key, so that two statements cannot
-- deadlock.
WITH locked AS MATERIALIZED (
  SELECT pg_advisory_xact_lock_shared(hashtextextended('engagement', 0))
), given AS MATERIALIZED (
  SELECT DISTINCT ON (r."userId" COLLATE "C", r.id COLLATE "C") r.*
  FROM jsonb_to_recordset($1::jsonb) AS r
    (n int, day date, "userId" text, id text, kind text, at timestamptz, "isMachine" boolean,
     team text, campaign text, template text, channel text, platform text, country text, "messageId" text)
  ORDER BY r."userId" COLLATE "C", r.id COLLATE "C", r.n
), inserted AS (
  INSERT INTO engagement_event
    (day, user_id, id, kind, at, is_machine, team, campaign, template, channel, platform, country, bucket)
  SELECT g.day, g."userId", g.id, g.kind, g.at, coalesce(g."isMachine", false), g.team, g.campaign, g.template, g.channel, g.platform,
    g.country, bucket_of(g."userId")
  FROM locked CROSS JOIN given g
  WHERE NOT EXISTS (
    SELECT FROM engagement_event e
    WHERE e.user_id = g."userId" AND e.id = g.id AND e.day BETWEEN g.day - 8 AND g.day + 8 AND e.day <> g.day
  ) AND (g."messageId" IS NULL OR {{isMessage}})
  ORDER BY g."userId" COLLATE "C", g.id COLLATE "C"
  ON CONFLICT (user_id, id, day, bucket) DO NOTHING
  RETURNING user_id, id
)
SELECT g.n, count(*)::int AS new
FROM inserted i JOIN given g ON g."userId" = i.user_id AND g.id = i.id
GROUP BY g.n
