import { z } from 'zod';
import { frontPageVersion } from '../mailbox/events/event-data.schema.js';
import { DEFAULT_PROFILE, profileId, userId } from '../platform/auth/ids.schema.js';

/** A line of the nightly file: one front page. `items` are the ranked titles, in whatever shape the apps expect. */
export const recommendationLine = z.object({
  userId,
  profileId: profileId.default(DEFAULT_PROFILE),
  version: frontPageVersion,
  items: z.array(z.unknown()).max(1_000),
});
export type RecommendationLine = z.infer<typeof recommendationLine>;

/** The response of GET /v1/me/recommendations/{profileId}. */
export const frontPageResponse = z
  .object({ profileId, version: frontPageVersion, items: z.array(z.unknown()) })
  .meta({ id: 'FrontPage' });
