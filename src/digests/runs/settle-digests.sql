-- Writes what became of runs, when their users' next ones are due, and removes the plans of users who have no further one.
-- $1 text digest · $2 timestamptz now
-- $3 json [{ userId, localDate, timezone, dueAt, state, reason?, eventId?, events }]
-- $4 json [{ userId, nextRunAt, lastDate, afterOffset? }] · $5 text[] users whose plans are removed
-- Returns nothing. Their plans are locked by the claim. A run that has ended stays as it is.
WITH run AS (
  INSERT INTO digest_run AS d (user_id, digest, local_date, timezone, due_at, state, reason, event_id, events, at, bucket)
  SELECT r."userId", $1, r."localDate", r.timezone, r."dueAt", r.state, r.reason, r."eventId", r.events, $2, bucket_of(r."userId")
  FROM json_to_recordset($3::json) AS r
    ("userId" text, "localDate" text, timezone text, "dueAt" timestamptz, state text, reason text, "eventId" uuid, events int)
  ORDER BY r."userId" COLLATE "C"
  ON CONFLICT (user_id, digest, local_date, bucket) DO UPDATE SET
    state = excluded.state, reason = excluded.reason, event_id = excluded.event_id, events = excluded.events
  WHERE d.state = 'collecting'
), planned AS (
  UPDATE digest_plan p SET next_run_at = r."nextRunAt", last_date = r."lastDate",
    after_offset = coalesce(r."afterOffset", p.after_offset)
  FROM json_to_recordset($4::json) AS r ("userId" text, "nextRunAt" timestamptz, "lastDate" text, "afterOffset" bigint)
  WHERE p.user_id = r."userId" AND p.digest = $1
)
DELETE FROM digest_plan p WHERE p.user_id = ANY ($5::text[]) AND p.digest = $1
