/** SQL over the table of broadcasts that other folders' statements include. Parameters are SQL expressions. */

/** A condition on the broadcast `b`. */
export const IN_FORCE = 'b.withdrawn_at IS NULL AND b.superseded_by IS NULL AND b.expires_at > now()';

/** A condition: whether the broadcast of this id is in force. */
export const isBroadcastInForce = (id: string): string =>
  `EXISTS (SELECT FROM broadcast b WHERE b.id = ${id} AND ${IN_FORCE})`;
