import { z } from 'zod';
import { PLAYBACK_STATES, playbackSeconds, titleId } from '../mailbox/events/event-data.schema.js';
import { profileId } from '../platform/auth/ids.schema.js';

/** The payload of the device's frame `playback.heartbeat`. `at` is by the device's clock: ISO 8601, or ms since 1970. */
export const heartbeat = z.object({
  profileId: profileId.optional(),
  showId: titleId,
  episodeId: titleId.optional(),
  positionSeconds: playbackSeconds,
  durationSeconds: playbackSeconds,
  state: z.enum(PLAYBACK_STATES),
  autoplay: z.boolean().optional(),
  streamId: z.string().max(64).optional(),
  // A device whose clock was never set says 1970; PostgreSQL has no year 0.
  at: z
    .union([
      z.iso.datetime({ offset: true }).refine((at) => Date.parse(at) >= 0, 'must not be before 1970'),
      z.number().int().nonnegative().max(8.64e15),
    ])
    .optional(),
});
export type Heartbeat = z.infer<typeof heartbeat>;
