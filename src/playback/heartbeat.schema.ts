import { z } from 'zod';
import { profileId } from '../platform/auth/ids.schema.js';

/** Ids of the catalogue: any text without control characters. */
export const titleId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u);
/** No film is a hundred days long. */
const seconds = z.number().finite().min(0).max(8_640_000);

export const heartbeat = z.object({
  profileId: profileId.optional(),
  showId: titleId,
  episodeId: titleId.optional(),
  positionSeconds: seconds,
  durationSeconds: seconds,
  state: z.enum(['playing', 'paused', 'ended']),
  autoplay: z.boolean().optional(),
  streamId: z.string().max(64).optional(),
  at: z.union([z.iso.datetime({ offset: true }), z.number().int().positive().max(8.64e15)]).optional(),
});
export type Heartbeat = z.infer<typeof heartbeat>;
