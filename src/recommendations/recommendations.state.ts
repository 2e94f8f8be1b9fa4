import type { StatePart } from '../mailbox/state/state.js';

/** The part `recommendations` of a user's state: the version of each profile's front page. */
export const recommendationsState: StatePart = {
  name: 'recommendations',
  sql: `SELECT coalesce(json_agg(json_build_object('profileId', r.profile_id, 'version', r.version) ORDER BY r.profile_id), '[]')
    FROM recommendation r WHERE r.user_id = u.user_id`,
  toFields: (raw) => ({ recommendations: raw }),
};
