-- What devices were viewing at their last heartbeats, for many at once.
-- $1 json  [{ n, userId, profileId, showId, deviceId }]
-- Out: n, episodeId, state, at, autoplayEpisodes, asked, for each whose show was last watched on this very device.
SELECT i.n, p.episode_id AS "episodeId", p.state, p.at, p.autoplay_episodes AS "autoplayEpisodes", p.asked_still_there AS asked
FROM json_to_recordset($1::json) AS i (n int, "userId" text, "profileId" text, "showId" text, "deviceId" text)
JOIN playback_position p ON p.user_id = i."userId" AND p.profile_id = i."profileId" AND p.show_id = i."showId"
  AND p.device_id = i."deviceId"
