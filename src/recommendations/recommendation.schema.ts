import { z } from 'zod';
import { frontPageVersion } from '../mailbox/events/event-data.schema.js';
import { DEFAULT_PROFILE, instant, profileId, userId } from '../platform/auth/ids.schema.js';

/** A line of the nightly file: one front page. `items` are the ranked titles, in whatever shape the apps expect. */
export const recommendationLine = z.object({
  userId,
  profileId: profileId.default(DEFAULT_PROFILE),
  version: frontPageVersion,
  items: z.array(z.unknown()).max(1_000),
});
export type RecommendationLine = z.infer<typeof recommendationLine>;

/** What becomes of a nightly file with a wrong line: the line is skipped, or the file refused and nothing written. */
export const ON_INVALID = ['skip', 'refuse'] as const;
/** One of ON_INVALID. */
export type OnInvalid = (typeof ON_INVALID)[number];

/** The query of POST /v1/recommendations. */
export const ingestQuery = z.strictObject({
  onInvalid: z
    .enum(ON_INVALID)
    .default('skip')
    .describe('`refuse`: the whole file is read first, and nothing of it is written if a line is wrong'),
});
export type IngestQuery = z.infer<typeof ingestQuery>;

/** The response of GET /v1/me/recommendations/{profileId}. */
export const frontPageResponse = z
  .object({ profileId, version: frontPageVersion, items: z.array(z.unknown()) })
  .meta({ id: 'FrontPage' });

/** The response of GET /v1/users/{userId}/recommendations. */
export const frontPageList = z
  .object({ recommendations: z.array(frontPageResponse.extend({ updatedAt: instant })) })
  .meta({ id: 'FrontPages' });
