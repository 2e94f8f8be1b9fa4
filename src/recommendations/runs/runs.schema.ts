import { z } from 'zod';
import { instant, storableInstant } from '../../platform/auth/ids.schema.js';
import { cursorOf, listLimit, nextCursor } from '../../platform/http/cursor.schema.js';
import { ON_INVALID } from '../recommendation.schema.js';

/** What became of a nightly file. */
const RUN_STATUSES = ['running', 'done', 'refused', 'failed', 'interrupted'] as const;
/** One of RUN_STATUSES. */
export type RunStatus = (typeof RUN_STATUSES)[number];

const count = z.int().nonnegative();
const runCounts = z.object({
  rows: count.describe('Lines that were read, whatever became of them'),
  accepted: count,
  unchanged: count,
  conflicting: count.describe('Of the unchanged, those with other items than are stored'),
  stale: count,
  rejectedCount: count,
});
export type RunCounts = z.infer<typeof runCounts>;

const run = z.object({
  id: z.uuid(),
  keyId: z.string().describe('The service key by which it was sent'),
  onInvalid: z.enum(ON_INVALID),
  status: z
    .enum(RUN_STATUSES)
    .describe(
      '`interrupted`: it has no end, and its node has said nothing for a minute; what was accepted stays',
    ),
  startedAt: instant,
  endedAt: instant.nullable(),
  counts: runCounts.nullable().describe('So far, while it runs; null in its first seconds'),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
});

/** A line that was rejected, as responses have it. */
export const rejectedLine = z.object({
  line: z.int().positive(),
  code: z.string(),
  path: z.string().describe('The wrong field, as `items.3`; empty for the whole line'),
  message: z.string(),
});

/** The response of GET /v1/recommendation-runs/{id}. */
export const describedRun = run
  .extend({ rejected: z.array(rejectedLine).describe('The first 100 lines that were rejected') })
  .meta({ id: 'RecommendationRun' });

/** The query of GET /v1/recommendation-runs. */
export const runsQuery = z.strictObject({
  before: cursorOf(z.tuple([storableInstant, z.uuid()])).optional(),
  limit: listLimit,
});
export type RunsQuery = z.infer<typeof runsQuery>;

/** The response of GET /v1/recommendation-runs. */
export const runList = z.object({ runs: z.array(run), next: nextCursor }).meta({ id: 'RecommendationRuns' });

/** The id of a run in a path. */
export const runId = z.uuid().describe('A run, by the id of the response to its file');
