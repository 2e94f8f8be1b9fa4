import { z } from 'zod';
import { userId } from '../../platform/auth/ids.schema.js';

/** Size of a member's data as JSON. An event, which has it, may have 16 KiB. */
const MAX_MEMBER_DATA = 4_096;

/** A line of an uploaded list. */
export const memberLine = z
  .strictObject({
    userId,
    data: z
      .record(
        z.string().regex(/^[a-z][a-z0-9_]{0,63}$/i, { error: 'must be letters, digits and _' }),
        z.unknown(),
      )
      .refine((data) => Buffer.byteLength(JSON.stringify(data)) <= MAX_MEMBER_DATA, {
        error: `may have ${MAX_MEMBER_DATA} bytes as JSON`,
      })
      .optional()
      .describe('Values for the template that only this member has'),
  })
  .meta({ id: 'AudienceMember' });
export type MemberLine = z.output<typeof memberLine>;

/** The query of `PUT /v1/audiences/{name}/members`. */
export const uploadQuery = z.strictObject({
  from: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(1)
    .describe(
      'The first line to be read, to go on after an upload that broke off; of CSV the head is read too',
    ),
});
export type UploadQuery = z.output<typeof uploadQuery>;
