import type { AppendedEvent } from '../../mailbox/events/event.js';
import { textAt, textsOf } from '../../platform/postgres/text-array.js';
import { frontPageEvent } from '../front-page-event.js';
import type { RecommendationLine } from '../recommendation.schema.js';
import type { MergedPage, PageColumns } from './page-columns.js';

/** Returns the events of pages that were stored at `at`. A page is parsed only if its user has a device. */
export function frontPageEvents(
  pages: PageColumns,
  merged: readonly MergedPage[],
  at: string,
): AppendedEvent[] {
  const [userIds, ids, keys] = [textsOf(pages.userIds), textsOf(pages.ids), textsOf(pages.keys)];
  return merged.map(({ row, position }): AppendedEvent => ({
    userId: userIds[row] as string,
    type: 'recommendations.ready',
    tier: 'important',
    id: ids[row] as string,
    key: keys[row] as string,
    at,
    position,
    whole: () => frontPageEvent(pageAt(pages, row)),
  }));
}

const pageAt = ({ userIds, profileIds, versions, items }: PageColumns, row: number): RecommendationLine => ({
  userId: textAt(userIds, row),
  profileId: textAt(profileIds, row),
  version: JSON.parse(textAt(versions, row)) as RecommendationLine['version'],
  items: JSON.parse(textAt(items, row)) as unknown[],
});
