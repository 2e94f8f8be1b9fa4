import { placeOf } from '../devices/device.fragments.js';
import { userSource } from '../platform/postgres/user-source.js';

/* SQL over the table contact for statements of other folders. All parameters are SQL expressions. */

/** For LATERAL: timezone and locale of the user's contact, each null where it has none. At most one row. */
const contactPlaceOf = (userId: string): string =>
  `SELECT k.timezone, k.locale FROM contact k WHERE k.user_id = ${userId}`;

/** For LATERAL: timezone and locale of the user: those of the contact, else of a device; each null where none is known. One row. */
export const placeOfUser = (userId: string): string =>
  `SELECT coalesce(own.timezone, seen.timezone) AS timezone, coalesce(own.locale, seen.locale) AS locale
    FROM (SELECT) one LEFT JOIN LATERAL (${contactPlaceOf(userId)}) own ON true LEFT JOIN LATERAL (${placeOf(userId)}) seen ON true`;

/** A condition: whether the user has a verified address for the channel. */
export const isReachedBy = ({ userId, channel }: { userId: string; channel: 'email' | 'sms' }): string =>
  channel === 'email'
    ? `EXISTS (SELECT FROM contact k WHERE k.user_id = ${userId} AND k.email IS NOT NULL AND k.email_verified)`
    : `EXISTS (SELECT FROM contact k WHERE k.user_id = ${userId} AND k.phone IS NOT NULL AND k.phone_verified)`;

/** For FROM: the user's encrypted address for the channel (`email` or `sms`) and whether it is verified; no row for a user without a contact. */
export const addressFor = (of: { userId: string; channel: string }): string =>
  `SELECT CASE ${of.channel} WHEN 'email' THEN k.email WHEN 'sms' THEN k.phone END AS address,
     CASE ${of.channel} WHEN 'email' THEN k.email_verified ELSE k.phone_verified END AS is_verified
   FROM contact k WHERE k.user_id = ${of.userId}`;

/** The users with a contact. */
export const usersWithContact = userSource('contact');
