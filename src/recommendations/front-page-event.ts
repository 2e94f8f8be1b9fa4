import { type OutgoingEvent, EncodedEvent } from '../mailbox/events/outgoing-event.js';
import type { Position } from '../mailbox/position.js';
import type { RecommendationLine } from './recommendation.schema.js';

/** Titles that the event itself carries; the rest is read when the page is opened. As in front_page() of the database. */
const ITEMS_IN_EVENT = 20;

/** What a device that is awake is told of a page. The others read the same from the page itself: front_page(). */
export function frontPageEvent(
  page: RecommendationLine,
  id: string,
  at: string,
  place: Position,
): OutgoingEvent {
  const { userId, profileId } = page;
  const heading = {
    id,
    type: 'recommendations.ready',
    tier: 'important',
    key: `recommendations:${profileId}`,
    offset: place.offset,
    epoch: place.epoch,
  } as const;
  // Of millions of these only few are ever written out.
  const event = EncodedEvent.lazy(heading, () => ({ ...heading, at, profileId, data: dataOf(page) }));
  return { userId, event };
}

const dataOf = ({ profileId, version, items }: RecommendationLine) => ({
  profileId,
  version,
  items: items.slice(0, ITEMS_IN_EVENT),
  url: `/v1/me/recommendations/${encodeURIComponent(profileId)}`,
});
