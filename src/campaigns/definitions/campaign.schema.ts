import { z } from 'zod';
import { audienceName } from '../../audiences/audience.schema.js';
import { storedBroadcast } from '../../broadcasts/broadcasts.schema.js';
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
  to: z
    .literal('everyone')
    .optional()
    .describe(
      'In place of `audiences`: it is one broadcast, for every device of every user, whatever their preferences. Only `template`, `startAt` (an instant) and `expiresAt` go with it',
    ),
  audiences: audiences
    .min(1)
    .optional()
    .describe('A member of several gets it once. Must be given, unless `to` is'),
  exclusions: audiences.optional().describe('Whoever is in one of these does not get it'),
  channels: z
    .array(z.enum(CAMPAIGN_CHANNELS))
    .min(1)
    .max(CAMPAIGN_CHANNELS.length)
    .refine(isDistinct, EACH_ONCE)
    .optional()
    .describe(
      'Must be given, unless `to` is. The first that a member has and wants is taken. `app`: the event alone, for apps that are connected now or later',
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

const TO_AUDIENCES =
  'For that take, in place of `to`, an audience with the rule { "everyone": true }: each user is a member of it.';
/** Why a campaign to everyone has none of these. */
const NOT_TO_EVERYONE = {
  audiences: 'does not go with `to`, which is whom it is for already: leave out one of the two',
  exclusions: `nobody is left out by a campaign to everyone: it is one broadcast, the same for all. ${TO_AUDIENCES}`,
  cap: `nothing is counted of single users by a campaign to everyone: it is one broadcast. ${TO_AUDIENCES}`,
  goal: `nothing is counted of single users by a campaign to everyone: it is one broadcast. ${TO_AUDIENCES}`,
  startAt: `a campaign to everyone begins at an instant, the same for all: it is one broadcast. ${TO_AUDIENCES}`,
  channels: `a campaign to everyone reaches apps (\`app\`) and nothing else: it is one broadcast. ${TO_AUDIENCES}`,
} as const;

/** Finds what does not go with whom it is for, and says what to do instead. */
function checkWhom(body: z.output<typeof definition>, context: z.RefinementCtx): void {
  const refuse = (field: string, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message });
  if (body.to === undefined) {
    if (!body.audiences) refuse('audiences', 'must be given, or `to`: "everyone" in place of it');
    if (!body.channels) refuse('channels', 'must be given');
    return;
  }
  const { startAt, channels = [] } = body;
  for (const field of ['audiences', 'exclusions', 'cap', 'goal'] as const)
    if (body[field] !== undefined) refuse(field, NOT_TO_EVERYONE[field]);
  if (typeof startAt !== 'string') refuse('startAt', NOT_TO_EVERYONE.startAt);
  if (channels.some((channel) => channel !== 'app')) refuse('channels', NOT_TO_EVERYONE.channels);
}

/** Body of `PUT /v1/campaigns/{name}`. */
export const campaignBody = definition.superRefine(checkWhom).meta({
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
    { template: { name: 'notice' }, to: 'everyone', startAt: '2026-12-06T18:00:00Z' },
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
  frozenAt: instant
    .nullable()
    .describe('All its members have been found; of one to everyone: it is published'),
  broadcastId: z.uuid().nullable().describe('Of a campaign to everyone, once it is published'),
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
    broadcast: storedBroadcast
      .nullable()
      .describe('Of a campaign to everyone, once it is published, as long as broadcasts are kept'),
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

/** Query of `POST /v1/campaigns/{name}/approve`. */
export const approvalQuery = z.strictObject({
  updatedAt: instant
    .optional()
    .describe('Of the campaign as it was read: one that was rewritten since is not approved'),
});
export type ApprovalQuery = z.output<typeof approvalQuery>;

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
