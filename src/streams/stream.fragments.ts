/** SQL over the tables of this folder that other folders' statements include. Parameters are SQL expressions. */

/** A condition on a row of `stream` named `s`: whether it holds one of its user's slots now. */
export const holdsSlot = (s: string): string =>
  `${s}.ended_at IS NULL AND NOT ${s}.lapsed AND ${s}.slot_until > now()`;

/** A scalar (json): the user's streams that hold a slot, by `startedAt`. */
export const runningStreamsOf = (userId: string): string =>
  `(SELECT coalesce(json_agg(json_build_object('streamId', s.stream_id, 'deviceId', s.device_id, 'titleId', s.title_id,
      'edgeId', s.edge_id, 'startedAt', iso(s.started_at)) ORDER BY s.started_at), '[]')
    FROM stream s WHERE s.user_id = ${userId} AND ${holdsSlot('s')})`;

/** For FROM: the stream with this id: stream_id, user_id. At most one row. */
export const streamWithId = (id: string): string =>
  `SELECT s.stream_id, s.user_id FROM stream s WHERE s.stream_id = ${id}`;

/** For FROM: the user's streams as steps of the timeline. Columns: at, ref (orders those of one instant), what (json). */
export const streamSteps = (userId: string): string =>
  `SELECT s.started_at AS at, s.stream_id AS ref, json_build_object('streamId', s.stream_id, 'deviceId', s.device_id,
      'titleId', s.title_id, 'edgeId', s.edge_id, 'endedAt', iso(s.ended_at), 'reason', s.end_reason) AS what
    FROM stream s WHERE s.user_id = ${userId}`;

/** A scalar (float8): seconds since the oldest notice came that its edge node has not acknowledged; null when there is none. */
export const oldestEdgeNotice = `(SELECT extract(epoch FROM now() - min(n.created_at))::float8 FROM edge_notice n)`;
