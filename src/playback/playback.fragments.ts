import { existsForEach } from '../platform/postgres/user-source.js';

/* SQL over the table playback_position for statements of other folders. All parameters are SQL expressions. */

/** A condition: whether a profile of the user has watched the show, in the last `days` or, when that is null, ever. */
export const hasWatched = (of: { userId: string; showId: string; days: string }): string =>
  existsForEach(`SELECT FROM playback_position w WHERE w.user_id = ${of.userId} AND w.show_id = ${of.showId}
    AND (${of.days} IS NULL OR w.at > now() - ${of.days} * interval '1 day')`);
