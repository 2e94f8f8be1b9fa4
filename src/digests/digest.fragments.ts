/** For FROM: the user's digests for the timeline: at, ref and what (json). One for each local date. */
export const digestSteps = (userId: string): string =>
  `SELECT d.at, d.local_date || ' ' || d.digest AS ref,
    json_build_object('digest', d.digest, 'localDate', d.local_date, 'timezone', d.timezone, 'dueAt', iso(d.due_at), 'state', d.state,
      'reason', d.reason, 'eventId', d.event_id, 'events', d.events) AS what
    FROM digest_run d WHERE d.user_id = ${userId}`;
