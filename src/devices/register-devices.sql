-- Registers devices that connect, many at once.
-- $1 json  [{ deviceId, userId, platform, appVersion? }], each device at most once
-- Returns nothing. A device of another user moves to the new one and loses what the former one set, above all the push address: nothing
-- meant for one user may reach the other. Pushes that are queued for it are withdrawn in the same commit (trigger device_moved). Rows are
-- written in the order of device_id, so that two statements cannot deadlock.
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
