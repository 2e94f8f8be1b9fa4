-- Registers devices that connect, for many at once; each device at most once.
-- $1 json  [{ deviceId, userId, platform, appVersion? }]
-- Out: nothing. A device that another user had moves to the caller and loses what the former owner said of it, above all
-- the push address: nothing meant for one may reach the other. What is queued
-- for it ends in the same commit (trigger device_moved).
INSERT INTO device AS d (device_id, user_id, platform, app_version)
SELECT a."deviceId", a."userId", a.platform, a."appVersion"
FROM json_to_recordset($1::json) AS a ("deviceId" text, "userId" text, platform text, "appVersion" text)
ORDER BY a."deviceId" COLLATE "C"
ON CONFLICT (device_id) DO UPDATE SET
  user_id = excluded.user_id,
  platform = excluded.platform,
  app_version = coalesce(excluded.app_version, d.app_version),
  name = CASE WHEN d.user_id = excluded.user_id THEN d.name END,
  timezone = CASE WHEN d.user_id = excluded.user_id THEN d.timezone END,
  locale = CASE WHEN d.user_id = excluded.user_id THEN d.locale END,
  push = CASE WHEN d.user_id = excluded.user_id THEN d.push END,
  push_registered_at = CASE WHEN d.user_id = excluded.user_id THEN d.push_registered_at END,
  last_seen_at = now()
