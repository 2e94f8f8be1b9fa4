-- Opens the run of a local date for each user, and collects the events of those that are new: a date that has a run gets no other one.
-- $1 json [{ userId, localDate, timezone, dueAt, types, categories }] · $2 text digest · $3 timestamptz now · $4 int how many events it shows
-- lastOffset, collected: mailbox/mailbox.fragments.ts
-- Returns userId, head (up to which offset was collected), events, isCounted, items; no row for a date that has a run.
WITH asked AS MATERIALIZED (
  SELECT r.* FROM json_to_recordset($1::json) AS r
    ("userId" text, "localDate" text, timezone text, "dueAt" timestamptz, types text[], categories text[])
), opened AS (
  INSERT INTO digest_run (user_id, digest, local_date, timezone, due_at, state, at, bucket)
  SELECT a."userId", $2, a."localDate", a.timezone, a."dueAt", 'collecting', $3, bucket_of(a."userId")
  FROM asked a ORDER BY a."userId" COLLATE "C"
  ON CONFLICT DO NOTHING
  RETURNING user_id
)
SELECT a."userId", h.head, c.events, c."isCounted", c.items
FROM opened o
JOIN asked a ON a."userId" = o.user_id
JOIN digest_plan p ON p.user_id = a."userId" AND p.digest = $2
CROSS JOIN LATERAL (SELECT greatest({{lastOffset}}, p.after_offset) AS head) h
CROSS JOIN LATERAL ({{collected}}) c
