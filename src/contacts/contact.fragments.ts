/* SQL over the table contact for statements of other folders. All parameters are SQL expressions. */

/** For LATERAL: timezone and locale of the user's contact, each null where it has none. At most one row. */
export const contactPlaceOf = (userId: string): string =>
  `SELECT c.timezone, c.locale FROM contact c WHERE c.user_id = ${userId}`;

/** For FROM: the user's encrypted address for the channel (`email` or `sms`) and whether it is verified; no row for a user without a contact. */
export const addressFor = (of: { userId: string; channel: string }): string =>
  `SELECT CASE ${of.channel} WHEN 'email' THEN k.email WHEN 'sms' THEN k.phone END AS address,
     CASE ${of.channel} WHEN 'email' THEN k.email_verified ELSE k.phone_verified END AS is_verified
   FROM contact k WHERE k.user_id = ${of.userId}`;
