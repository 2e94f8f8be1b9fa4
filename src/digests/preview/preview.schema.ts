import { z } from 'zod';
import { digestReadyData } from '../../mailbox/events/event-data.schema.js';
import { instant, userId } from '../../platform/auth/ids.schema.js';
import { digestName } from '../definitions/definition.schema.js';

/** Response of `GET /v1/users/{userId}/digests/{name}/preview`. */
export const previewResponse = z
  .object({
    userId,
    digest: digestName,
    status: z
      .enum(['planned', 'empty', 'not_wanted', 'not_planned'])
      .describe(
        '`planned`: this goes out. `empty`: nothing has happened so far. `not_wanted`: the preferences leave nothing of it. `not_planned`: the user does not get it (yet).',
      ),
    timezone: z
      .string()
      .describe('Of the contact, else of the device that was seen last, else DIGEST_TIMEZONE'),
    localDate: z.iso.date().describe('Whose digest is next'),
    dueAt: instant,
    data: digestReadyData.optional().describe('As it would be now'),
  })
  .meta({ id: 'DigestPreview', description: "A user's next digest" });

/** Response of `GET /v1/digests/{name}/forecast`. */
export const digestForecast = z
  .object({
    digest: digestName,
    perSecond: z.int().describe('DIGESTS_PER_SECOND: what all digests share'),
    due: z
      .int()
      .describe('Users whose digest is due now, or who must be planned; the count stops at 100,000'),
    hours: z.array(
      z.object({
        from: instant,
        planned: z.int().describe('Users whose digest is due in this hour; the count stops at 100,000'),
        isCounted: z.boolean().describe('False: there are more'),
        lateSeconds: z.int().describe('How late the last of them is at that rate, if no other digest is due'),
      }),
    ),
  })
  .meta({ id: 'DigestForecast', description: 'How many digests are due in the next 24 hours' });
