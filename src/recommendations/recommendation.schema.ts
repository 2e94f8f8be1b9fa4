import { z } from 'zod';
import { frontPageVersion } from '../mailbox/events/event-data.schema.js';
import { DEFAULT_PROFILE, profileId, userId } from '../platform/auth/ids.schema.js';

/** One line of the nightly file. Items are the ranked titles, as the apps want them. */
export const recommendationLine = z.object({
  userId,
  profileId: profileId.default(DEFAULT_PROFILE),
  version: frontPageVersion,
  items: z.array(z.unknown()).max(1_000),
});
export type RecommendationLine = z.infer<typeof recommendationLine>;

export const frontPageResponse = z.object({
  profileId,
  version: frontPageVersion,
  items: z.array(z.unknown()),
});
