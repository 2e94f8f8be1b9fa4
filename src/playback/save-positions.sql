-- Saves positions, for many users at once; each user, profile and show at most once in the input.
-- $1 json  [{ n, userId, profileId, showId, episodeId?, positionSeconds, durationSeconds, state, deviceId, deviceName?, at,
--            autoplayEpisodes, asked }]
-- Out: one row, newest: [n] of those that are now the newest. An older `at` changes nothing; of equal ones the greater device id wins, so
-- that every node and device decides alike.
WITH input AS (
  SELECT *
  FROM json_to_recordset($1::json) AS b (
    n int, "userId" text, "profileId" text, "showId" text, "episodeId" text, "positionSeconds" float8,
    "durationSeconds" float8, state text, "deviceId" text, "deviceName" text, at timestamptz,
    "autoplayEpisodes" int, asked boolean
  )
), saved AS (
  INSERT INTO playback_position AS p (user_id, profile_id, show_id, episode_id, position_seconds, duration_seconds, state,
    device_id, device_name, at, autoplay_episodes, asked_still_there, saved_at, bucket)
  SELECT "userId", "profileId", "showId", "episodeId", "positionSeconds", "durationSeconds", state,
    "deviceId", "deviceName", at, "autoplayEpisodes", asked, now(), bucket_of("userId")
  FROM input
  ORDER BY "userId" COLLATE "C", "profileId", "showId"
  ON CONFLICT (user_id, profile_id, show_id, bucket) DO UPDATE SET
    episode_id = excluded.episode_id, position_seconds = excluded.position_seconds,
    duration_seconds = excluded.duration_seconds, state = excluded.state, device_id = excluded.device_id,
    device_name = excluded.device_name, at = excluded.at, autoplay_episodes = excluded.autoplay_episodes,
    asked_still_there = excluded.asked_still_there, saved_at = excluded.saved_at
  WHERE (excluded.at, excluded.device_id COLLATE "C") >= (p.at, p.device_id COLLATE "C")
  RETURNING user_id, profile_id, show_id
)
SELECT coalesce(json_agg(i.n), '[]') AS newest
FROM input i
JOIN saved s ON s.user_id = i."userId" AND s.profile_id = i."profileId" AND s.show_id = i."showId"
