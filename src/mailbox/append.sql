-- Appends durable events to their users' mailboxes, and hands them to the consumers.
-- $1 json  [{ n, id, userId, key, type, tier, profileId?, target?, at, expiresAt?, data, push? }], n = 0, 1, 2 …
-- $2 uuid  id of the handoff rows · $3 text  their tier
-- appendEvents: append-events.sql, where it says what is atomic
-- Returns one row, positions: [[epoch, offset]] of the events, in the order of n.
WITH event AS (
  SELECT n, id, "userId" AS user_id, key, type, tier, "profileId" AS profile_id, target, at, "expiresAt" AS expires_at, data, push
  FROM json_to_recordset($1::json) AS e (
    n int, id uuid, "userId" text, key text, type text, tier text,
    "profileId" text, target text, at timestamptz, "expiresAt" timestamptz, data json, push text
  )
), {{appendEvents}}
SELECT json_agg(json_build_array(epoch, "offset") ORDER BY n) AS positions FROM placed
