/** For FROM: the user's digests for the timeline: at, ref and what (json). One for each local date. */
export const digestSteps = (userId: string): string =>
  `SELECT d.at, d.local_date || ' ' || d.digest AS ref,
    json_build_object('digest', d.digest, 'localDate', d.local_date, 'timezone', d.timezone, 'dueAt', iso(d.due_at), 'state', d.state,
      'reason', d.reason, 'eventId', d.event_id, 'events', d.events) AS what
    FROM digest_run d WHERE d.user_id = ${userId}`;

/** A scalar (float8): for how many seconds the longest due digest of a user is due; null when none is. */
export const oldestDigest = `(SELECT extract(epoch FROM now() - min(o.next_run_at))::float8 FROM digest_definition d
    CROSS JOIN LATERAL (SELECT p.next_run_at FROM digest_plan p
      WHERE p.digest = d.name AND p.next_run_at > '-infinity' AND p.next_run_at <= now() ORDER BY p.next_run_at LIMIT 1) AS o)`;
