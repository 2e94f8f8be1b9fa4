-- What happened to one user, newest first: webhooks, versions of the membership, events with their delivery to each device, streams, digests. It
-- reads the tables of many folders through their own fragments, and writes none.
-- $1 text user id · $2 timestamptz or null, $3 int, $4 text: only steps after the one with this at, rank and ref; null begins with the newest ·
-- $5 int the most steps
-- membershipPage, webhookPage, streamPage, digestPage: the steps of their kind (timeline.store.ts)
-- knownEvents: known-events.sql · eventStep: event-step.sql
-- Steps are in the order of at, rank (the kind of step: what caused others comes after them) and ref, all descending: no two are equal.
-- Each page reads all entries and receipts of the user.
-- Returns at (iso), rank, ref, step ('webhook', 'membership', 'event', 'stream', 'digest'), what (json)
WITH bound AS (
  SELECT coalesce($2::timestamptz, 'infinity') AS at, $3::int AS rank, $4::text COLLATE "C" AS ref
), {{knownEvents}}, newest AS (
  SELECT e.*, n.ref
  FROM event e CROSS JOIN bound b CROSS JOIN LATERAL (SELECT lpad(e."offset"::text, 20, '0') || ' ' || e.id AS ref) n
  WHERE (e.at, 4, n.ref COLLATE "C") < (b.at, b.rank, b.ref)
  ORDER BY e.at DESC, n.ref COLLATE "C" DESC LIMIT $5
), steps AS (
  (SELECT n.at, 4 AS rank, n.ref, 'event' AS step, {{eventStep}} AS what FROM newest n)
  UNION ALL
  ({{membershipPage}})
  UNION ALL
  ({{webhookPage}})
  UNION ALL
  ({{streamPage}})
  UNION ALL
  ({{digestPage}})
)
SELECT iso(at) AS at, rank, ref, step, what FROM steps ORDER BY steps.at DESC, rank DESC, ref COLLATE "C" DESC LIMIT $5
