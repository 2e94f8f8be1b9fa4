/* SQL over the table contact that other folders' statements include. Parameters are SQL expressions. */

/** For FROM: the user's encrypted address for the channel (`email` or `sms`) and whether it is verified; no row for a user without a contact. */
export const addressFor = (of: { userId: string; channel: string }): string =>
  `SELECT CASE ${of.channel} WHEN 'email' THEN k.email WHEN 'sms' THEN k.phone END AS address,
     CASE ${of.channel} WHEN 'email' THEN k.email_verified ELSE k.phone_verified END AS is_verified
   FROM contact k WHERE k.user_id = ${of.userId}`;

/** For FROM: timezone and locale of the user's contact; no row for a user without one. */
export const placeOfContact = (userId: string): string =>
  `SELECT k.timezone, k.locale FROM contact k WHERE k.user_id = ${userId}`;
