import { z } from 'zod';

const count = z.int().nonnegative();

const result = z.object({
  state: z
    .string()
    .describe(
      '`delivered`, `cleared`, `failed`, `gone`, `expired`, `withdrawn`, or `queued`: tried again later',
    ),
  reason: z.string().nullable(),
  hour: count,
  day: count,
  fix: z.string().optional().describe('What to do, where our credentials or settings are wrong'),
});
/** How often something became of pushes. */
export type PushResult = z.infer<typeof result>;

const sums = z.object({
  delivered: count.describe('Taken by the provider; whether the device got it only a receipt tells'),
  failed: count.describe('Refused, expired, or to an address that is no longer good'),
  retried: count.describe('Attempts after which the push was queued again'),
  withheld: count.describe('Not sent, since they were no longer wanted'),
});

/** The response of `GET /v1/push/results`. */
export const resultsResponse = z
  .object({
    vendors: z.array(
      z.object({
        vendor: z.string(),
        hour: sums,
        day: sums,
        results: z.array(result).describe('The most frequent of the day first; 50 at most'),
      }),
    ),
  })
  .meta({ id: 'PushResults', description: 'What became of pushes, counted by spans of five minutes' });
export type PushResults = z.infer<typeof resultsResponse>;
