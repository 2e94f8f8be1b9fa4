/* SQL over the table receipt for statements of other folders. All parameters are SQL expressions. */

/** A condition: whether the device acknowledged the event. */
export const isAcknowledged = (of: { userId: string; eventId: string; deviceId: string }): string =>
  `EXISTS (SELECT FROM receipt r WHERE r.user_id = ${of.userId} AND r.event_id = ${of.eventId}
      AND r.device_id = ${of.deviceId} AND r.state >= 2)`;

/** A condition: whether a person saw the event, on any device. */
export const isSeen = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `EXISTS (SELECT FROM receipt r WHERE r.user_id = ${userId} AND r.event_id = ${eventId} AND r.state = 4)`;

/** A condition: whether a device of the user has a receipt of the event. */
export const hasReceipts = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `EXISTS (SELECT FROM receipt r WHERE r.user_id = ${userId} AND r.event_id = ${eventId})`;

/**
 * For LATERAL, always one row: how far the event got on the device (own) and at most on the user's others (elsewhere): 0 when nothing
 * is known, else 1 to 4 (receipt.ts).
 */
export const furthestStates = (of: { userId: string; eventId: string; deviceId: string }): string =>
  `SELECT coalesce(max(r.state) FILTER (WHERE r.device_id = ${of.deviceId}), 0) AS own,
      coalesce(max(r.state) FILTER (WHERE r.device_id <> ${of.deviceId}), 0) AS elsewhere
    FROM receipt r WHERE r.user_id = ${of.userId} AND r.event_id = ${of.eventId}`;

/** A scalar (int): how far the event got on any device of the user: 0 when nothing is known, else 1 to 4 (receipt.ts). */
export const furthestStateOf = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `(SELECT coalesce(max(r.state), 0) FROM receipt r WHERE r.user_id = ${userId} AND r.event_id = ${eventId})`;

/** A condition: whether a device of the user acknowledged the event. */
export const isConfirmed = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `EXISTS (SELECT FROM receipt r WHERE r.user_id = ${userId} AND r.event_id = ${eventId} AND r.state >= 2)`;

/** For LATERAL: the event's receipts: device_id, state (1 to 4), sent_at, received_at, applied_at, seen_at. */
export const receiptsOf = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `SELECT r.device_id, r.state, r.sent_at, r.received_at, r.applied_at, r.seen_at
      FROM receipt r WHERE r.user_id = ${userId} AND r.event_id = ${eventId}`;

/** For FROM: each event that the user has receipts of, with the instant of the first: event_id, type, offset, epoch, at. */
export const eventsWithReceipts = (userId: string): string =>
  `SELECT r.event_id, r.type, r."offset", r.epoch,
      min(least(r.sent_at, r.received_at, r.applied_at, r.seen_at)) AS at
    FROM receipt r WHERE r.user_id = ${userId}
    GROUP BY r.event_id, r.type, r."offset", r.epoch`;

/** A scalar (json): by device id, how far the event got: `{ "tv": 3 }`. */
export const statesByDevice = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `(SELECT coalesce(json_object_agg(r.device_id, r.state), '{}') FROM receipt r
      WHERE r.user_id = ${userId} AND r.event_id = ${eventId})`;
