import type { StatePart } from '../mailbox/state/state.js';
import { builtInEvent } from '../mailbox/events/event.js';
import type { DataOf } from '../mailbox/events/event-types.js';

/** Shows in the state, those watched last. An app has older ones in its own history. */
const MAX_SHOWS = 500;
/** Positions that a device gets after a short absence; after a long one it reads the whole state. */
const MAX_RECENT = 50;

/** SQL: a row `p` of playback_position in the shape of the data of `playback.progress`. */
const progress = `json_strip_nulls(json_build_object('profileId', p.profile_id, 'showId', p.show_id,
      'episodeId', p.episode_id, 'positionSeconds', p.position_seconds, 'durationSeconds', p.duration_seconds,
      'state', p.state, 'deviceId', p.device_id, 'deviceName', p.device_name, 'at', iso(p.at)))`;

/**
 * The part `playback` of a user's state: the position of each profile in each show, the newest first, shaped as
 * `playback.progress`.
 */
export const playbackState: StatePart = {
  name: 'playback',
  sql: `SELECT coalesce(json_agg(${progress} ORDER BY p.at DESC), '[]')
    FROM (SELECT * FROM playback_position x WHERE x.user_id = u.user_id ORDER BY x.at DESC LIMIT ${MAX_SHOWS}) p`,
  toFields: (raw) => ({ playback: raw }),
  recent: {
    sql: `SELECT coalesce(json_agg(${progress} ORDER BY p.saved_at), '[]')
    FROM (SELECT * FROM playback_position x
      WHERE x.user_id = r."userId" AND x.device_id <> r."deviceId" AND x.saved_at >= r.since
      ORDER BY x.saved_at DESC LIMIT ${MAX_RECENT}) p`,
    events: (raw, userId) =>
      (raw as DataOf<'playback.progress'>[]).map((data) =>
        builtInEvent('playback.progress', { userId, data }),
      ),
  },
};
