import { z } from 'zod';
import { instant, userId } from '../../platform/auth/ids.schema.js';
import { CAMPAIGN_CHANNELS } from '../campaign.js';
import { campaignName, templateValues } from '../definitions/campaign.schema.js';

/** Body of `POST /v1/campaigns/{name}/preview` and `…/test`. */
export const campaignReader = z
  .strictObject({
    userId,
    data: templateValues
      .optional()
      .describe('In place of what a list says of the member; not with a campaign to everyone'),
  })
  .meta({ id: 'CampaignReader', examples: [{ userId: 'ada', data: { name: 'Ada', days: 7 } }] });
export type CampaignReader = z.output<typeof campaignReader>;

/** Response of `POST /v1/campaigns/{name}/preview`. */
export const campaignPreview = z
  .object({
    userId,
    isMember: z.boolean().describe('In one of its audiences, and in none of the exclusions'),
    channel: z.enum(CAMPAIGN_CHANNELS).nullable().describe('By which the user would get it now'),
    reason: z.string().nullable().describe('Why the user would get nothing now'),
    fault: z.string().nullable().describe('What is wrong with the values, for this user'),
    locale: z.string().nullable(),
    words: z.record(z.string(), z.unknown()).describe('By channel, in the language of the user'),
  })
  .meta({ id: 'CampaignPreview' });

/** Response of `POST /v1/campaigns/{name}/test`. */
export const campaignTested = z
  .object({ userId, channel: z.enum(CAMPAIGN_CHANNELS), eventId: z.uuid() })
  .meta({ id: 'CampaignTest' });

/** Response of `POST /v1/campaigns/{name}/dry-run`. */
export const campaignForecast = z
  .object({
    name: campaignName,
    members: z.object({
      size: z.int().describe('Persons, about'),
      margin: z.int().describe('The true number is likely (95 %) to be no further away'),
      isExact: z.boolean(),
    }),
    duplicates: z
      .int()
      .describe(
        'Who are in several of its audiences, about. Shared mail addresses are only known once it runs',
      ),
    queued: z.record(z.string(), z.int()).describe('By channel, about'),
    skipped: z.record(z.string(), z.int()).describe('By reason, as `no_address`, about'),
    rates: z.array(
      z.object({
        name: z.string().describe('A push provider, `email` or `sms`'),
        messages: z.int(),
        perSecond: z.number(),
        seconds: z.int().nullable().describe('With what waits already; null: it is not configured'),
      }),
    ),
    broadcast: z
      .object({
        bytes: z.int().nullable().describe('Of its data'),
        fault: z.string().nullable().describe('Why it could not be published now'),
      })
      .nullable()
      .describe('Of a campaign to everyone: the one row that it is. `members` are then all users'),
    startsAt: instant,
    queuedAt: instant.describe('When the last member is queued, by CAMPAIGN_MEMBERS_PER_SECOND'),
    throughAt: instant
      .nullable()
      .describe('When the last message is sent, if nothing else is. Quiet hours are not counted'),
  })
  .meta({ id: 'CampaignForecast' });
