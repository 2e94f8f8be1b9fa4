-- Registers devices that connect, many at once.
-- $1 json  [{ userId, deviceId, platform, appVersion? }], each device at most once
-- Returns nothing. What the app has set before stays. Rows are written in the order of user and device, so that two statements cannot
-- deadlock.
INSERT INTO device AS d (user_id, device_id, platform, app_version, last_seen_at, bucket)
SELECT a."userId", a."deviceId", a.platform, a."appVersion", now(), bucket_of(a."userId")
FROM json_to_recordset($1::json) AS a ("userId" text, "deviceId" text, platform text, "appVersion" text)
ORDER BY a."userId" COLLATE "C", a."deviceId" COLLATE "C"
ON CONFLICT (user_id, device_id, bucket) DO UPDATE SET
  platform = excluded.platform,
  app_version = coalesce(excluded.app_version, d.app_version),
  last_seen_at = excluded.last_seen_at
