import { z } from 'zod';
import { instant, userId } from '../../platform/auth/ids.schema.js';
import { plainText } from '../../platform/http/text.schema.js';
import { platform } from '../../devices/device.schema.js';
import { APP_KINDS, ENGAGEMENT_CHANNELS, ENGAGEMENT_KINDS } from '../engagement-event.js';
import { REFUSAL_CODES } from './acceptance.js';

/** Events of one call. */
const MAX_EVENTS = 1_000;

/** The alphabet of ids, so that none can be taken for the `*` of all. */
const name = (what: string) =>
  z.string().regex(/^[A-Za-z0-9_.:-]{1,64}$/, { error: `${what} must be 1 to 64 of A-Z a-z 0-9 _ . : -` });

/** A kind of engagement: one of Usher's, or an app's own. */
export const engagementKind = z
  .string()
  .regex(/^[a-z][a-z0-9_.-]{0,63}$/, {
    error: 'must be 1 to 64 of a-z 0-9 _ . -, and begin with a letter',
  })
  .meta({ description: `${ENGAGEMENT_KINDS.join(', ')}, or a name of your own`, examples: ['opened'] });
export const team = name('team').describe('Who sends');
export const campaign = name('campaign').describe('What it belongs to');
export const template = plainText(64).min(1).describe('The words of it');
const country = z
  .string()
  .regex(/^[A-Z]{2}$/, { error: 'must be two capital letters (ISO 3166-1)' })
  .describe('ISO 3166-1 alpha-2');

const fields = {
  id: plainText(128)
    .min(1)
    .describe('Yours, unique among the events of the user: one that comes again changes nothing'),
  kind: engagementKind,
  at: instant.describe('When it was done: in the last seven days, at most five minutes ahead'),
  team: team.optional(),
  campaign: campaign.optional(),
  template: template.optional(),
  channel: name('channel').optional().describe('`push`, `email`, `sms`, `app` …'),
  platform: name('platform').optional().describe('`ios`, `android`, `web`, `tv` …'),
  country: country.optional(),
};
const example = {
  id: '0190b5a3-tap',
  kind: 'tapped',
  at: '2026-11-26T18:30:00.000Z',
  campaign: 'autumn',
  channel: 'push',
  platform: 'ios',
  country: 'DE',
};

/** The body of `POST /v1/engagement`. */
export const engagementBatch = z
  .strictObject({
    events: z
      .array(z.strictObject({ ...fields, userId }))
      .min(1)
      .max(MAX_EVENTS),
  })
  .meta({ id: 'EngagementBatch', examples: [{ events: [{ ...example, userId: 'ada' }] }] });
export type EngagementBatch = z.output<typeof engagementBatch>;

const ownFields = {
  ...fields,
  kind: engagementKind.describe(
    `${APP_KINDS.join(', ')}, or one of ENGAGEMENT_APP_KINDS; others are refused by name`,
  ),
  channel: z.enum(ENGAGEMENT_CHANNELS).optional(),
  platform: platform.optional(),
};

/** The body of `POST /v1/me/engagement`. */
export const ownEngagementBatch = z
  .object({ events: z.array(z.object(ownFields)).min(1).max(MAX_EVENTS) })
  .meta({ id: 'OwnEngagementBatch', examples: [{ events: [example] }] });
export type OwnEngagementBatch = z.output<typeof ownEngagementBatch>;

/** The response of both. */
export const engagementRecorded = z
  .object({
    new: z.int().describe('Events that were not known before'),
    known: z.int().describe('Events that had come before: they change nothing'),
    refused: z
      .array(z.object({ index: z.int(), id: z.string(), code: z.enum(REFUSAL_CODES) }))
      .describe('Events that were not stored, by their place in the call'),
  })
  .meta({ id: 'EngagementRecorded' });
