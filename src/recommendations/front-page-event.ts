import type { DerivedEventData } from '../mailbox/events/derived-data.js';
import { builtInEvent, type NewDurableEvent } from '../mailbox/events/event.js';
import { FRONT_PAGE_ITEMS_IN_EVENT } from '../mailbox/events/event-data.schema.js';
import type { RecommendationLine } from './recommendation.schema.js';

const URL_PREFIX = '/v1/me/recommendations/';

/** Returns the event `recommendations.ready` of a new front page, as connected devices get it. `frontPageData` derives the same. */
export const frontPageEvent = ({ userId, profileId, version, items }: RecommendationLine): NewDurableEvent =>
  builtInEvent('recommendations.ready', {
    userId,
    profileId,
    data: {
      profileId,
      version,
      items: items.slice(0, FRONT_PAGE_ITEMS_IN_EVENT),
      url: `${URL_PREFIX}${encodeURIComponent(profileId)}`,
    },
  });

/**
 * Derives the event's data from the stored page when the mailbox is read, so that a front page is stored once. (In a
 * profile id only `:` needs encoding.)
 */
export const frontPageData: DerivedEventData = {
  type: 'recommendations.ready',
  sql: ({
    userId,
    profileId,
  }) => `SELECT json_build_object('profileId', r.profile_id, 'version', r.version, 'items', (
      SELECT coalesce(json_agg(item.value ORDER BY item.n), '[]')
      FROM json_array_elements(r.items) WITH ORDINALITY AS item (value, n) WHERE item.n <= ${FRONT_PAGE_ITEMS_IN_EVENT}
    ), 'url', '${URL_PREFIX}' || replace(r.profile_id, ':', '%3A'))
    FROM recommendation r WHERE r.user_id = ${userId} AND r.profile_id = ${profileId}`,
};
