import { z } from 'zod';
import { deviceId, instant, profileId } from '../../platform/auth/ids.schema.js';
import { plainText } from '../../platform/http/text.schema.js';

/*
 * The `data` of the events that Usher itself sends. The schemas are here and not in the features that publish the events, because the
 * registry (event-types.ts) needs them, and the mailbox must not import features.
 */

/** The states of a membership; they are explained in docs/CONTRACT.md, Membership rules. */
export const MEMBERSHIP_STATUSES = ['none', 'trialing', 'active', 'past_due', 'paused', 'canceled'] as const;

/** What a plan allows its users. */
export const capabilities = z
  .object({
    streaming: z.boolean(),
    maxStreams: z.int().min(0).max(1_000).describe('How many streams may run at once'),
    maxQuality: z.union([plainText(32).min(1), z.int().positive()]).describe('In your own terms'),
    downloads: z.boolean(),
    ads: z.boolean(),
  })
  .meta({ id: 'Capabilities', description: 'What a plan allows' });

/** `data` of membership.changed. */
export const membershipChangedData = z.object({
  version: z.int().nonnegative().describe('Only grows. 0: the user never had a membership.'),
  status: z.enum(MEMBERSHIP_STATUSES),
  planId: z.string().nullable(),
  capabilities,
  effectiveAt: instant.optional(),
  cancelAt: instant.optional().describe('It ends then, unless it is resumed.'),
  reason: z.string().optional().describe("The type of the processor's event, or a reason of Usher's own."),
});

/** What a user may change about the own membership. */
export const MEMBERSHIP_ACTIONS = ['cancel', 'resume', 'change_plan'] as const;

/** Why Usher stopped a stream. */
export const STOP_REASONS = ['membership', 'too_many_streams', 'operator', 'device_removed'] as const;

/** The form of a stream id. */
export const STREAM_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** The id of a stream, as a field of a body. */
export const streamId = z
  .string()
  .regex(STREAM_ID, { error: 'streamId must be 1 to 64 of A-Z a-z 0-9 _ -' })
  .meta({
    description: 'A stream, as it was named when it was started',
    examples: ['rX1jKq0cTqC1kO0mXbH8dA'],
  });

/** `data` of stream.stop. */
export const streamStopData = z.object({ streamId, reason: z.enum(STOP_REASONS) });

/** An id of the streaming service's catalogue (a show, an episode, a film): any text without control characters. */
export const titleId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u);

/** What a player does. */
export const PLAYBACK_STATES = ['playing', 'paused', 'ended'] as const;
/** A position or duration in seconds; the limit is a hundred days, and longer than anything that is played. */
export const playbackSeconds = z.number().min(0).max(8_640_000);

/** `data` of playback.progress. */
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

/** `data` of playback.still_watching; `episodes`: how many autoplay began in a row. */
export const stillWatchingData = z.object({ showId: titleId, episodes: z.int().positive() });

/** The version of a front page, which grows with each import. Whole numbers compare as numbers, texts (as `2026-11-20`) as texts. */
export const frontPageVersion = z.union([
  z.int().nonnegative(),
  z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u),
]);

/** Items of a front page in the event itself; an app reads the rest when the page is opened. */
export const FRONT_PAGE_ITEMS_IN_EVENT = 20;

/** `data` of recommendations.ready. */
export const frontPageReadyData = z.object({
  profileId,
  version: frontPageVersion,
  items: z.array(z.unknown()).max(FRONT_PAGE_ITEMS_IN_EVENT),
  url: z.string(),
});

/** One event in a digest; the whole event is in the mailbox, under its key. */
export const digestItem = z.object({
  id: z.uuid(),
  type: z.string(),
  key: z.string(),
  at: instant,
  group: z
    .string()
    .optional()
    .describe('Items with the same stand together; left out when they are not grouped'),
  title: z.string().optional(),
  text: z.string().optional(),
});

/** `data` of digest.ready. */
export const digestReadyData = z.object({
  digest: z.string(),
  localDate: z.iso.date().describe('Whose digest it is: a date in the time zone of the user'),
  title: z.string(),
  body: z.string(),
  count: z.int().positive().describe('The events since the last digest, with those that are not shown'),
  isCounted: z.boolean().describe('False: there are more than `count`'),
  items: z.array(digestItem),
});

/** `data` of campaign.message. */
export const campaignMessageData = z.object({
  campaign: z.string(),
  template: z.object({ name: z.string(), version: z.int().positive() }),
  values: z.record(z.string(), z.unknown()).describe('What the template was filled in with'),
  title: z.string().optional().describe('Left out, with `body`, when the template has no words for pushes'),
  body: z.string().optional(),
  locales: z
    .record(z.string(), z.object({ title: z.string(), body: z.string() }))
    .optional()
    .describe(
      'Of a campaign to everyone: its words in further languages, by their tags. `title` and `body` are in the default language of the template',
    ),
  isTest: z.literal(true).optional().describe('It was sent to try the campaign'),
});

/** `data` of receipts.changed. */
export const receiptsChangedData = z.object({ ids: z.array(z.uuid()), state: z.literal('seen') });
