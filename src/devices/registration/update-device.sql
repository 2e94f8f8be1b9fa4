-- Changes what an app knows of its device.
-- $1 text  user id · $2 text  device id · $3 jsonb  { name?, appVersion?, timezone?, locale?, push? }: only what changes; a `push` of
-- null removes the address
-- withdrawPushes: ends what is queued for the devices in `lost` (push/queue/push.fragments.ts)
-- releaseFormer: ends the claims to the addresses in `former` (addresses/release-addresses.sql)
-- Returns a row if the user has the device.
WITH updated AS (
  UPDATE device d SET
    name = coalesce($3::jsonb ->> 'name', d.name),
    app_version = coalesce($3::jsonb ->> 'appVersion', d.app_version),
    timezone = coalesce($3::jsonb ->> 'timezone', d.timezone),
    locale = coalesce($3::jsonb ->> 'locale', d.locale),
    push = CASE WHEN $3::jsonb ? 'push' THEN nullif($3::jsonb -> 'push', 'null') ELSE d.push END,
    push_registered_at = CASE
      WHEN NOT $3::jsonb ? 'push' THEN d.push_registered_at
      WHEN $3::jsonb -> 'push' <> 'null' THEN now()
    END,
    last_seen_at = now()
  WHERE d.user_id = $1 AND d.device_id = $2
  RETURNING d.user_id, d.device_id, d.push ->> 'address' AS address, old.push ->> 'address' AS former_address
), lost AS (
  SELECT user_id, device_id FROM updated WHERE $3::jsonb -> 'push' = 'null'
), withdrawn AS (
  {{withdrawPushes}}
), former AS (
  SELECT user_id, device_id, former_address AS address FROM updated WHERE updated.address IS DISTINCT FROM former_address
), released AS (
  {{releaseFormer}}
)
SELECT 1 FROM updated
