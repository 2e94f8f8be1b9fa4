import { z } from 'zod';
import { deviceId, instant, profileId } from '../../platform/auth/ids.schema.js';
import { plainText } from '../../platform/http/text.schema.js';

/**
 * The `data` of the events that Usher itself sends. The shapes are here, below the folders that fill them, because the registry
 * (event-types.ts), the documents and the clients' types all need them.
 */

/** What a user may have of a membership. */
export const MEMBERSHIP_STATUSES = ['none', 'trialing', 'active', 'past_due', 'paused', 'canceled'] as const;

/** What a plan lets its users do. */
export const capabilities = z.object({
  streaming: z.boolean(),
  maxStreams: z.int().min(0).max(1_000),
  maxQuality: z.union([plainText(32).min(1), z.int().positive()]),
  downloads: z.boolean(),
  ads: z.boolean(),
});

export const membershipChangedData = z.object({
  version: z.int().nonnegative().describe('Only grows. 0: the user never had a membership.'),
  status: z.enum(MEMBERSHIP_STATUSES),
  planId: z.string().nullable(),
  capabilities,
  effectiveAt: instant.optional(),
  cancelAt: instant.optional().describe('It ends then, unless it is resumed.'),
  reason: z.string().optional().describe("The type of the processor's event, or a reason of Usher's own."),
});

/** Why Usher stopped a stream. */
export const STOP_REASONS = ['membership', 'too_many_streams', 'operator', 'device_removed'] as const;

export const STREAM_ID = /^[A-Za-z0-9_-]{1,64}$/;
export const streamId = z.string().regex(STREAM_ID, { error: 'streamId must be 1 to 64 of A-Z a-z 0-9 _ -' });

export const streamStopData = z.object({ streamId, reason: z.enum(STOP_REASONS) });

/** Ids of the streaming service's catalogue: any text without control characters. */
export const titleId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u);

export const PLAYBACK_STATES = ['playing', 'paused', 'ended'] as const;
/** No film is a hundred days long. */
export const playbackSeconds = z.number().min(0).max(8_640_000);

export const playbackProgressData = z.object({
  profileId,
  showId: titleId,
  episodeId: titleId.optional(),
  positionSeconds: playbackSeconds,
  durationSeconds: playbackSeconds,
  state: z.enum(PLAYBACK_STATES),
  deviceId,
  deviceName: z.string().optional(),
  at: instant,
  unsaved: z.literal(true).optional().describe('PostgreSQL is away; the position will be written later.'),
});

export const stillWatchingData = z.object({ showId: titleId, episodes: z.int().positive() });

/** Grows from night to night: whole numbers compare as numbers, texts (as `2026-11-20`) as texts. */
export const frontPageVersion = z.union([
  z.int().nonnegative(),
  z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u),
]);

/** Titles that the event itself carries; the rest is read when the page is opened. */
export const FRONT_PAGE_ITEMS_IN_EVENT = 20;

export const frontPageReadyData = z.object({
  profileId,
  version: frontPageVersion,
  items: z.array(z.unknown()).max(FRONT_PAGE_ITEMS_IN_EVENT),
  url: z.string(),
});

export const receiptsChangedData = z.object({ ids: z.array(z.uuid()), state: z.literal('seen') });
