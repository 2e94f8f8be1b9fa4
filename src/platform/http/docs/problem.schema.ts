import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from '../problem.js';

const codes = Object.keys(PROBLEMS) as ProblemCode[];

/** The body of an error (RFC 9457), see problemBody. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('The address of the page that explains the error, relative to the call’s.'),
    title: z.string().describe('The same for each error of this code.'),
    status: z.int().min(400).max(599),
    code: z.enum(codes).describe('Stable. Codes may be added.'),
    detail: z.string().describe('For people; it may change.'),
    retryable: z.boolean().describe('Whether the same request may succeed later.'),
    requestId: z.string().describe('By which the log knows the request; also in X-Request-Id.'),
    retryAfterMs: z.int().nonnegative().optional().describe('As Retry-After, in milliseconds.'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('With `invalid_request`: what is wrong, and where.'),
  })
  .meta({ id: 'Problem', description: 'An error. Some codes have further members.' });
