import { z } from 'zod';
import { audienceName } from '../../audiences/audience.schema.js';
import { clock } from '../../devices/preferences/preferences.schema.js';
import { eventType } from '../../mailbox/events/publish.schema.js';
import { instant, userId } from '../../platform/auth/ids.schema.js';
import { cursorOf, listLimit, nextCursor } from '../../platform/http/cursor.schema.js';
import { isStorableJson, shortName } from '../../platform/http/text.schema.js';
import { templateName, templateVersion } from '../../templates/publishing/templates.schema.js';
import { CAMPAIGN_CHANNELS } from '../campaign.js';
import { CAMPAIGN_STATES } from '../campaign-moves.js';

const MOST_AUDIENCES = 20;
const MAX_TEMPLATE_DATA = 4_096;

/** A campaign's name, chosen by the back office. It is its id everywhere. */
export const campaignName = shortName.meta({
  description: 'A campaign, as the back office named it',
  examples: ['advent'],
});

const isDistinct = (all: readonly string[]) => new Set(all).size === all.length;
const EACH_ONCE = { error: 'must name each once' };
const audiences = z.array(audienceName).max(MOST_AUDIENCES).refine(isDistinct, EACH_ONCE);

/** Values for a template. */
export const templateValues = z
  .record(z.string().max(64), z.unknown())
  .refine((data) => Buffer.byteLength(JSON.stringify(data)) <= MAX_TEMPLATE_DATA, {
    error: `may have ${MAX_TEMPLATE_DATA} bytes as JSON`,
  })
  .refine((data) => isStorableJson(JSON.stringify(data)), { error: 'has characters that cannot be stored' });

const startAt = z
  .union([instant, z.strictObject({ date: z.iso.date(), time: clock })], {
    error: 'must be an instant, or { date, time } by the clock of each member',
  })
  .describe('An instant, or a date and time by the clock of each member');

const definition = z.strictObject({
  template: z.strictObject({
    name: templateName,
    version: templateVersion.optional().describe('By default the one that is used now; it stays that one'),
    data: templateValues.optional().describe('Values that all members have'),
  }),
  audiences: audiences.min(1).describe('A member of several gets it once'),
  exclusions: audiences.optional().describe('Whoever is in one of these does not get it'),
  channels: z
    .array(z.enum(CAMPAIGN_CHANNELS))
    .min(1)
    .max(CAMPAIGN_CHANNELS.length)
    .refine(isDistinct, EACH_ONCE)
    .describe(
      'The first that a member has and wants is taken. `app`: the event alone, for apps that are connected now or later',
    ),
  startAt,
  expiresAt: instant
    .optional()
    .describe('What is not queued by then is not sent; a week after the start by default, a month at most'),
  cap: z
    .strictObject({ campaigns: z.int().min(1).max(100), withinDays: z.int().min(1).max(90) })
    .optional()
    .describe('The most campaigns that one person gets in so many days, this one included'),
  goal: z
    .strictObject({ eventType, withinHours: z.int().min(1).max(2_160) })
    .optional()
    .describe('What members are hoped to do, and in which time it counts'),
});

/** Body of `PUT /v1/campaigns/{name}`. */
export const campaignBody = definition.meta({
  id: 'NewCampaign',
  examples: [
    {
      template: { name: 'trial.started', data: { name: 'Ada', days: 7 } },
      audiences: ['premium-de'],
      channels: ['push', 'email'],
      startAt: { date: '2026-12-06', time: '18:00' },
      cap: { campaigns: 2, withinDays: 7 },
      goal: { eventType: 'show.started', withinHours: 72 },
    },
  ],
});
export type CampaignBody = z.output<typeof campaignBody>;

const actor = z.object({ kind: z.enum(['key', 'person']), id: z.string(), name: z.string() });
const byName = z.record(z.string(), z.int());

/** What a campaign is and how far it is. */
const campaignFields = z.object({
  name: campaignName,
  state: z.enum(CAMPAIGN_STATES),
  author: actor.describe('Who wrote it last'),
  approver: actor.nullable(),
  startsAt: instant.nullable().describe('Once it is scheduled. Of a local time: where that is first'),
  expiresAt: instant.nullable(),
  problem: z.string().nullable().describe('Why it did not begin, or was held up'),
  createdAt: instant,
  updatedAt: instant,
  startedAt: instant.nullable(),
  frozenAt: instant.nullable().describe('All its members have been found'),
  endedAt: instant.nullable(),
});

/** Response of `PUT /v1/campaigns/{name}`, and of what is done with it. */
export const campaignResponse = campaignFields
  .extend({ campaign: z.record(z.string(), z.unknown()).describe('As it was put, with the version') })
  .meta({ id: 'Campaign' });

/** Response of `GET /v1/campaigns/{name}`. */
export const describedCampaign = campaignFields
  .extend({
    campaign: z.record(z.string(), z.unknown()).describe('As it was put, with the version'),
    counts: z.object({
      audience: z.int().describe('Members of all its audiences, so far as they have been found'),
      duplicates: z.object({
        users: z.int().describe('Who were found again in a further audience'),
        addresses: z.int().describe('Who have the mail address of another member'),
      }),
      members: z.int().describe('Persons: each has one row'),
      pending: z.int(),
      queued: byName.describe('By channel'),
      skipped: byName.describe('By reason'),
      converted: z.int().describe('To whom the goal happened in time; each once'),
    }),
    outcomes: z
      .array(z.object({ channel: z.string(), state: z.string(), count: z.int() }))
      .describe('What became of its pushes (one for each device), texts and mails. Counts stop at a million'),
  })
  .meta({ id: 'DescribedCampaign' });

/** Query of `GET /v1/campaigns`. */
export const campaignsQuery = z.strictObject({
  before: cursorOf(z.tuple([instant, z.string().max(64)])).optional(),
  limit: listLimit,
});
export type CampaignsQuery = z.output<typeof campaignsQuery>;

/** Response of `GET /v1/campaigns`: the newest first. */
export const campaignList = z
  .object({ campaigns: z.array(campaignFields), next: nextCursor })
  .meta({ id: 'Campaigns' });

/** Response of `GET /v1/campaigns/{name}/members/{userId}`. */
export const campaignMember = z
  .object({
    userId,
    state: z.enum(['pending', 'queued', 'skipped']),
    reason: z.string().nullable(),
    audience: audienceName.describe('In which the person was found first'),
    channel: z.enum(CAMPAIGN_CHANNELS).nullable(),
    eventId: z.uuid().nullable(),
    dueAt: instant,
    settledAt: instant.nullable(),
    convertedAt: instant.nullable().describe('When the goal happened'),
  })
  .meta({ id: 'CampaignMember' });
