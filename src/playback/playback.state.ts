import type { StatePart } from '../mailbox/state.js';

/** The shows that were watched last; older ones are found in the app's own history. */
const MAX_SHOWS = 500;

/** `playback` of the state: where each profile stopped in each show, newest first, shaped as `playback.progress`. */
export const playbackState: StatePart = {
  name: 'playback',
  sql: `SELECT coalesce(json_agg(json_strip_nulls(json_build_object('profileId', p.profile_id, 'showId', p.show_id,
      'episodeId', p.episode_id, 'positionSeconds', p.position_seconds, 'durationSeconds', p.duration_seconds,
      'state', p.state, 'deviceId', p.device_id, 'deviceName', p.device_name, 'at', iso(p.at))) ORDER BY p.at DESC), '[]')
    FROM (SELECT * FROM playback_position x WHERE x.user_id = u.user_id ORDER BY x.at DESC LIMIT ${MAX_SHOWS}) p`,
  present: (raw) => ({ playback: raw }),
};
