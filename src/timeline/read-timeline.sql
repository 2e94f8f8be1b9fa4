-- What happened to one user, newest first: webhooks, versions of the membership, events with their delivery to each device, streams, digests, campaigns. It
-- reads the tables of many folders through their own fragments, and writes none.
-- $1 text user id · $2 timestamptz or null, $3 int, $4 text: only steps after the one with this at, rank and ref; null begins with the newest ·
-- $5 int the most steps · $6 bigint or null: only events below this offset; null: below the first one that was published at $2 or later
-- membershipPage, webhookPage, streamPage, digestPage, campaignPage: the steps of their kind (timeline.store.ts)
-- knownEvents: known-events.sql · eventStep: event-step.sql · firstOffsetSince: first-offset-since.sql
-- Steps are in the order of at, rank (the kind of step: what caused others comes after them) and ref, all descending: no two are equal. Events
-- are in the order of their offsets: one that claims to be newer than what came after it, by the clock of another node, has the place of that.
-- Returns at (iso, of the place), rank, ref, step ('webhook', 'membership', 'event', 'stream', 'digest', 'campaign'), what (json)
WITH bound AS (
  SELECT coalesce($2::timestamptz, 'infinity') AS at, $3::int AS rank, $4::text COLLATE "C" AS ref,
    CASE WHEN $6::bigint IS NOT NULL THEN $6 WHEN $2 IS NULL THEN 9223372036854775807 ELSE {{firstOffsetSince}} END AS "offset"
), {{knownEvents}}, newest AS (
  SELECT e.*, least(min(e.at) OVER (ORDER BY e."offset" DESC, e.id DESC ROWS UNBOUNDED PRECEDING), (SELECT b.at FROM bound b)) AS placed_at
  FROM event e ORDER BY e."offset" DESC, e.id DESC LIMIT $5
), steps AS (
  (SELECT n.placed_at AS at, 4 AS rank, lpad(n."offset"::text, 20, '0') || ' ' || n.id AS ref, 'event' AS step, {{eventStep}} AS what FROM newest n)
  UNION ALL
  ({{membershipPage}})
  UNION ALL
  ({{webhookPage}})
  UNION ALL
  ({{streamPage}})
  UNION ALL
  ({{digestPage}})
  UNION ALL
  ({{campaignPage}})
)
SELECT iso(at) AS at, rank, ref, step, what FROM steps ORDER BY steps.at DESC, rank DESC, ref COLLATE "C" DESC LIMIT $5
