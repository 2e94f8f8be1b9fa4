import { z } from 'zod';
import { timezone } from '../../devices/device.schema.js';
import { instant } from '../../platform/auth/ids.schema.js';
import { ENGAGEMENT_DIMENSIONS } from '../engagement-event.js';
import { campaign, engagementKind, team } from '../recording/engagement.schema.js';
import { BUCKET_INTERVALS } from './time-buckets.js';

/** The query of `GET /v1/analytics/engagement`. */
export const engagementQuery = z.strictObject({
  from: instant.describe('The first bucket is the one that this is in'),
  to: instant.optional().describe('The last bucket is the one that ends here or later; now by default'),
  interval: z.enum(BUCKET_INTERVALS).default('day').describe('How wide a bucket is'),
  timezone: timezone.default('UTC').describe('IANA; days and weeks begin at its midnight, weeks on Monday'),
  team: team.optional(),
  campaign: campaign.optional(),
  kind: engagementKind.optional(),
  groupBy: z
    .enum(['kind', ...ENGAGEMENT_DIMENSIONS])
    .optional()
    .describe('A series for each; one for all without it'),
});
export type EngagementQuery = z.output<typeof engagementQuery>;

const series = z.object({
  group: z.string().nullable().describe('Null: of events that have none, or of all without `groupBy`'),
  total: z.number(),
  machineTotal: z.number().describe('What programs did, such as privacy proxies; not in `total`'),
  counts: z.array(z.number()).describe('One for each bucket'),
  machineCounts: z.array(z.number()),
});

/** The response of the same. */
export const engagementResponse = z
  .object({
    from: instant,
    to: instant.describe('Where the last bucket ends'),
    interval: z.enum(BUCKET_INTERVALS),
    timezone: z.string(),
    rolledUpTo: instant.describe(
      'What was received later is not counted yet; a second or two ago, some more when much is asked',
    ),
    buckets: z.array(instant).describe('Where each begins'),
    series: z.array(series).describe('The groups with the largest totals, 20 at most'),
    others: series
      .extend({ groups: z.int() })
      .optional()
      .describe('All other groups as one, and how many they are'),
  })
  .meta({ id: 'Engagement' });

/** The query of `GET /v1/analytics/stream`. */
export const streamedEngagementQuery = z.strictObject({
  team: team.optional(),
  campaign: campaign.optional(),
});
export type StreamedEngagementQuery = z.output<typeof streamedEngagementQuery>;
