/** SQL over the table push that other folders' statements include. Parameters are SQL expressions. */

/** A scalar (json): what became of the push of the event to the device; null when there was none. */
export const pushOutcome = (of: { userId: string; deviceId: string; eventId: string }): string =>
  `(SELECT json_build_object('vendor', p.vendor, 'state', p.state, 'reason', p.reason,
      'queuedAt', iso(p.created_at), 'settledAt', iso(p.settled_at))
    FROM push p WHERE p.user_id = ${of.userId} AND p.device_id = ${of.deviceId} AND p.event_id = ${of.eventId})`;
