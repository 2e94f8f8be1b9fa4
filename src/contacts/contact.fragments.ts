/* SQL over the table contact for statements of other folders. All parameters are SQL expressions. */

/** For LATERAL: timezone and locale of the user's contact, each null where it has none. At most one row. */
export const contactPlaceOf = (userId: string): string =>
  `SELECT c.timezone, c.locale FROM contact c WHERE c.user_id = ${userId}`;
