import { z } from 'zod';
import { eventKey, eventType } from '../mailbox/events/publish.schema.js';
import { instant } from '../platform/auth/ids.schema.js';
import { cursorOf, listLimit, nextCursor } from '../platform/http/cursor.schema.js';
import { BROADCAST_STATES } from './broadcast.js';

/** Whose receipts are counted. */
export const BROADCAST_RECEIPTS = ['sample', 'all'] as const;

const number = z.int().nonnegative();

/** Body of `POST /v1/broadcasts`. */
export const newBroadcast = z
  .strictObject({
    type: eventType.describe('Dotted words'),
    key: eventKey.optional().describe('It supersedes the broadcast of this key; without one, nothing'),
    data: z
      .unknown()
      .refine((data) => data !== undefined, { error: 'data must be given' })
      .meta({ description: 'Any JSON of at most 16 KiB' }),
    expiresAt: instant
      .optional()
      .describe('It is not sent any more after that; in seven days by default, within 30 days'),
    receipts: z
      .enum(BROADCAST_RECEIPTS)
      .default('sample')
      .describe('Count the devices of one user in BROADCAST_RECEIPT_SAMPLE, or those of all'),
  })
  .meta({
    id: 'NewBroadcast',
    examples: [{ type: 'notice.maintenance', key: 'maintenance', data: { from: '2026-12-01T02:00:00Z' } }],
  });
export type NewBroadcastBody = z.output<typeof newBroadcast>;

/** Response of `POST /v1/broadcasts`. */
export const acceptedBroadcast = z
  .object({ id: z.uuid(), number: number.describe('Its place in the log') })
  .meta({ id: 'AcceptedBroadcast' });

const counted = z.object({ sent: number, received: number });

/** Response of `GET /v1/broadcasts/{id}`. */
export const storedBroadcast = z
  .object({
    id: z.uuid(),
    number,
    type: eventType,
    key: z.string().nullable(),
    data: z.unknown(),
    state: z.enum(BROADCAST_STATES),
    at: instant,
    expiresAt: instant,
    withdrawnAt: instant.nullable(),
    supersededBy: number.nullable().describe('The number of the newer one of its key'),
    keyId: z.string().describe('The service key by which it was published; `campaign:<name>` for a campaign'),
    receipts: z.enum(BROADCAST_RECEIPTS),
    counts: z
      .object({
        sampled: counted.extend({ of: z.int().positive().describe('One user in so many is counted') }),
        estimated: counted.describe('The same for all users'),
      })
      .describe('Devices, some seconds old. A device that is sent it again counts again as sent'),
  })
  .meta({ id: 'Broadcast', description: 'An event for everyone' });

/** Query of `GET /v1/broadcasts`. */
export const broadcastsQuery = z.strictObject({
  before: cursorOf(z.tuple([number])).optional(),
  limit: listLimit,
});
export type BroadcastsQuery = z.output<typeof broadcastsQuery>;

/** Response of `GET /v1/broadcasts`: the newest first. */
export const broadcastList = z
  .object({ broadcasts: z.array(storedBroadcast), next: nextCursor })
  .meta({ id: 'Broadcasts' });

/** A broadcast in a path. */
export const broadcastId = z
  .uuid()
  .meta({ description: 'A broadcast', examples: ['a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11'] });
