import { z } from 'zod';
import { DEFAULT_PROFILE, profileId, userId } from '../platform/auth/ids.schema.js';

/** Grows from night to night: whole numbers compare as numbers, texts (as `2026-11-20`) as texts. */
export const version = z.union([
  z.int().nonnegative(),
  z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u),
]);

/** One line of the nightly file. Items are the ranked titles, as the apps want them. */
export const recommendationLine = z.object({
  userId,
  profileId: profileId.default(DEFAULT_PROFILE),
  version,
  items: z.array(z.unknown()).max(1_000),
});
export type RecommendationLine = z.infer<typeof recommendationLine>;

export const frontPageResponse = z.object({ profileId, version, items: z.array(z.unknown()) });
