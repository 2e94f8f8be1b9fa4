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

/**
 * For FROM: the newest events below the offset `below` that the user has receipts of, at most `limit`, with the instant of the first
 * receipt: event_id, type, offset, epoch, at. Reads as many rows of each device, also of one that was removed.
 */
export const newestEventsWithReceipts = (of: { userId: string; below: string; limit: string }): string =>
  `SELECT n.event_id, n.type, n."offset", n.epoch, min(least(n.sent_at, n.received_at, n.applied_at, n.seen_at)) AS at
    FROM (${devicesWithReceipts(of.userId)}) x CROSS JOIN LATERAL (
      SELECT r.* FROM receipt r WHERE r.user_id = ${of.userId} AND r.device_id = x.device_id AND r.epoch = x.epoch AND r."offset" < ${of.below}
      ORDER BY r."offset" DESC LIMIT ${of.limit}
    ) n
    GROUP BY n.event_id, n.type, n."offset", n.epoch ORDER BY n."offset" DESC LIMIT ${of.limit}`;

/** For FROM: device_id and epoch of what the user has receipts of. A look at an index for each. */
const devicesWithReceipts = (userId: string): string =>
  `WITH RECURSIVE x AS (
      (SELECT r.device_id, r.epoch FROM receipt r WHERE r.user_id = ${userId} ORDER BY r.device_id, r.epoch LIMIT 1)
      UNION ALL
      SELECT n.device_id, n.epoch FROM x CROSS JOIN LATERAL (
        SELECT r.device_id, r.epoch FROM receipt r
        WHERE r.user_id = ${userId} AND (r.device_id, r.epoch) > (x.device_id, x.epoch) ORDER BY r.device_id, r.epoch LIMIT 1
      ) n
    ) SELECT x.device_id, x.epoch FROM x`;

/** A scalar (bigint): the offset of the event with this id by a receipt of it; null without one. */
export const offsetByReceipts = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `(SELECT r."offset" FROM receipt r WHERE r.user_id = ${userId} AND r.event_id = ${eventId} LIMIT 1)`;

/**
 * For FROM: the acknowledged events of some types, of those whose first step on a device was after `after` and up to `until`: user_id, device_id,
 * event_id, type, created_at, received_at. `isCounted`: a condition over r.type.
 */
export const acknowledgedEvents = (of: { after: string; until: string; isCounted: string }): string =>
  `SELECT r.user_id, r.device_id, r.event_id, r.type, r.created_at, coalesce(r.received_at, r.applied_at, r.seen_at) AS received_at
    FROM receipt r
    WHERE r.created_at > ${of.after} AND r.created_at <= ${of.until} AND r.state >= 2 AND ${of.isCounted}`;

/** A scalar: the time of the first step of the receipt that is the number `offset` of those after `after`; null when there are fewer. `isCounted`: as above. */
export const receiptBegunAt = (of: { after: string; offset: string; isCounted: string }): string =>
  `(SELECT r.created_at FROM receipt r
    WHERE r.created_at > ${of.after} AND ${of.isCounted} ORDER BY r.created_at OFFSET ${of.offset} LIMIT 1)`;

/** A scalar (json): by device id, how far the event got: `{ "tv": 3 }`. */
export const statesByDevice = ({ userId, eventId }: { userId: string; eventId: string }): string =>
  `(SELECT coalesce(json_object_agg(r.device_id, r.state), '{}') FROM receipt r
      WHERE r.user_id = ${userId} AND r.event_id = ${eventId})`;
