-- Registers a device as its app describes it; what is null is removed.
-- $1 text  user id · $2 text  device id · $3 text  platform · $4 text  name · $5 text  app version · $6 text  time zone
-- $7 text  locale · $8 jsonb  push address
-- withdrawPushes: ends what is queued for the devices in `lost` (push/queue/push.fragments.ts)
-- releaseFormer: ends the claims to the addresses in `former` (addresses/release-addresses.sql)
-- Returns isNew. Without an address nothing is pushed to the device any more.
WITH known AS (
  SELECT FROM device WHERE user_id = $1 AND device_id = $2
), put AS (
  INSERT INTO device AS d
    (user_id, device_id, platform, name, app_version, timezone, locale, push, push_registered_at, last_seen_at,
     bucket)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, CASE WHEN $8::jsonb IS NOT NULL THEN now() END, now(),
    bucket_of($1))
  ON CONFLICT (user_id, device_id, bucket) DO UPDATE SET
    platform = excluded.platform, name = excluded.name, app_version = excluded.app_version, timezone = excluded.timezone,
    locale = excluded.locale, push = excluded.push, push_registered_at = excluded.push_registered_at,
    last_seen_at = excluded.last_seen_at
  RETURNING d.user_id, d.device_id, d.push ->> 'address' AS address, old.push ->> 'address' AS former_address
), lost AS (
  SELECT user_id, device_id FROM put WHERE address IS NULL
), withdrawn AS (
  {{withdrawPushes}}
), former AS (
  SELECT user_id, device_id, former_address AS address FROM put WHERE put.address IS DISTINCT FROM former_address
), released AS (
  {{releaseFormer}}
)
SELECT NOT EXISTS (SELECT FROM known) AS "isNew"
