-- Saves the next version of memberships, each with its row in the history.
-- $1 json  [{ userId, status, planId, effectiveAt, cancelAt, endsAt, planRevision, reason }], each user once;
--          reason: the webhook's type, or one of Usher's own
-- $2 text  the source: a processor's name, or `usher`
-- $3 text  the webhook's id, or null
-- generationBase: the number below the first one of this generation (platform/postgres/generation.fragments.ts): devices and edge nodes
--          may know versions that a failover lost, and act only on higher ones
-- Out: userId, version.
-- Atomic. The caller holds the users' locks, so that no version is derived from subscriptions that have changed since.
WITH input AS (
  SELECT *
  FROM json_to_recordset($1::json) AS m (
    "userId" text, status text, "planId" text, "effectiveAt" timestamptz, "cancelAt" timestamptz, "endsAt" timestamptz,
    "planRevision" bigint, reason text
  )
), saved AS (
  INSERT INTO membership AS m
    (user_id, version, status, plan_id, effective_at, cancel_at, ends_at, plan_revision, reason, updated_at,
     bucket)
  SELECT "userId", {{generationBase}} + 1, status, "planId", "effectiveAt", "cancelAt", "endsAt", "planRevision", reason, now(),
    bucket_of("userId")
  FROM input
  ORDER BY "userId" COLLATE "C"
  ON CONFLICT (user_id, bucket) DO UPDATE SET
    version = greatest(m.version + 1, excluded.version), status = excluded.status, plan_id = excluded.plan_id,
    effective_at = excluded.effective_at, cancel_at = excluded.cancel_at, ends_at = excluded.ends_at, plan_revision = excluded.plan_revision,
    reason = excluded.reason, updated_at = excluded.updated_at
  RETURNING user_id, version, bucket
), history AS (
  INSERT INTO membership_history
    (user_id, version, status, plan_id, effective_at, cancel_at, reason, processor, webhook_id, recorded_at, bucket)
  SELECT i."userId", s.version, i.status, i."planId", i."effectiveAt", i."cancelAt", i.reason, $2, $3, now(),
    s.bucket
  FROM input i
  JOIN saved s ON s.user_id = i."userId"
)
SELECT user_id AS "userId", version FROM saved
