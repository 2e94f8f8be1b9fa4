import { z } from 'zod';
import { RECEIPT_STATES } from '../delivery/receipts/receipt.js';
import { deviceAnswer } from '../devices/device.schema.js';
import { preferencesAnswer } from '../devices/preferences/preferences.schema.js';
import { stateResponse } from '../mailbox/state/state.schema.js';
import { deviceId, eventId, instant, storableInstant, userId } from '../platform/auth/ids.schema.js';
import { cursorOrInstant, nextCursor } from '../platform/http/cursor.schema.js';
import { plainText } from '../platform/http/text.schema.js';
import { NON_DELIVERY_REASONS } from './non-delivery-reason.js';

/** A place in the timeline, between steps of the same millisecond too: see read-timeline.sql. */
export interface TimelinePlace {
  /** ISO 8601. */
  readonly at: string;
  /** The kind of step. */
  readonly rank: number;
  /** Which of the steps of its kind. */
  readonly ref: string;
  /** Events at this offset and above came before it; left out where only the time says which. */
  readonly eventsBelow?: number | undefined;
}

const place = z
  .tuple([storableInstant, z.int().min(0).max(9), plainText(1_000), z.int().nonnegative().nullish()])
  .transform(([at, rank, ref, below]): TimelinePlace => ({ at, rank, ref, eventsBelow: below ?? undefined }));
/** Behind all steps of that instant. */
const placeBefore = (at: string): TimelinePlace => ({ at, rank: 0, ref: '' });

/** The query of GET /v1/users/{userId}/timeline. */
export const timelineQuery = z.strictObject({
  before: cursorOrInstant(place, placeBefore)
    .optional()
    .describe('The `next` of an earlier response, or an instant: only older steps.'),
  limit: z.coerce.number().int().min(1).max(500).default(100).describe('The most steps in the page'),
});
export type TimelineQuery = z.infer<typeof timelineQuery>;

/** The query of GET /v1/users/{userId}/events/{eventId}. */
export const eventQuery = z.strictObject({
  deviceId: deviceId.optional().describe('Only this device, also one that is none of the user’s.'),
});
export type TimelineEventQuery = z.infer<typeof eventQuery>;

const push = z
  .object({
    vendor: z.string().describe('The push provider'),
    state: z
      .string()
      .describe('`queued`, `sent`, `delivered`, `cleared`, `withdrawn`, `expired`, `gone` or `failed`'),
    reason: z.string().nullable(),
    attempts: z.int().describe('How often it was sent to the provider'),
    queuedAt: instant,
    dueAt: instant.describe('When it is tried, or decided, again'),
    settledAt: instant.nullable(),
    pausedAt: instant.nullable().describe('Since when pushes like this one are paused'),
  })
  .meta({ id: 'PushOutcome', description: 'What became of the push notification of an event' });

const delivery = z
  .object({
    deviceId: z.string(),
    state: z.enum(['none', ...RECEIPT_STATES]),
    why: z.enum(NON_DELIVERY_REASONS).optional().describe('Left out for a device that got it'),
    explanation: z.string().describe('For people: how far it got, why no further, and what to do'),
    sentAt: instant.nullable(),
    receivedAt: instant.nullable(),
    appliedAt: instant.nullable(),
    seenAt: instant.nullable(),
    push: push.nullable(),
  })
  .meta({ id: 'Delivery', description: 'What became of an event on one device' });

const message = z
  .object({
    id: z.string(),
    channel: z.string().describe('`email` or `sms`'),
    laterChannels: z.array(z.string()).describe('Tried in this order when it fails for good'),
    isFallback: z.boolean().describe('It follows a push, unless a device confirms the event'),
    state: z.string().describe('`queued`, `sending`, `sent`, `delivered`, `failed` or `withdrawn`'),
    reason: z.string().nullable(),
    provider: z.string().nullable(),
    queuedAt: instant,
    dueAt: instant.describe('When it is sent, or tried, or decided, again'),
    sentAt: instant.nullable(),
    settledAt: instant.nullable(),
    explanation: z.string().describe('For people: what became of it, why, and what to do'),
  })
  .meta({ id: 'MessageOutcome', description: 'The text or mail that tells of an event' });

const event = z.object({
  at: instant.describe('When it was published; of one of which only receipts are left, when the first came'),
  id: eventId,
  type: z.string(),
  tier: z.string().nullable().describe('Null when only receipts are left of it, as `key` is'),
  key: z.string().nullable(),
  offset: z.int(),
  epoch: z.string(),
  target: z.string().nullable().describe('The only device that it is for'),
  expiresAt: instant.nullable(),
  superseded: z.boolean(),
  supersededBy: eventId.nullable(),
  explanation: z.string().optional().describe('Where there is no device of which anything could be said'),
  devices: z.array(delivery),
  message: message.nullable().describe('Null where none was queued'),
});

const eventStep = event.extend({ step: z.literal('event') }).meta({ id: 'EventStep' });
const webhookStep = z
  .object({
    step: z.literal('webhook'),
    at: instant.describe('When it was received'),
    processor: z.string(),
    eventId: z.string(),
    type: z.string(),
    status: z.string(),
    reason: z.string().nullable(),
    createdAt: instant,
    settledAt: instant.nullable(),
  })
  .meta({ id: 'WebhookStep' });
const membershipStep = z
  .object({
    step: z.literal('membership'),
    at: instant,
    version: z.int(),
    status: z.string(),
    planId: z.string().nullable(),
    cancelAt: instant.nullable(),
    reason: z.string(),
    processor: z.string().nullable(),
    webhookId: z.string().nullable(),
  })
  .meta({ id: 'MembershipStep' });
const streamStep = z
  .object({
    step: z.literal('stream'),
    at: instant.describe('When it started'),
    streamId: z.string(),
    deviceId: z.string(),
    titleId: z.string(),
    edgeId: z.string(),
    endedAt: instant.nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'StreamStep' });

const digestStep = z
  .object({
    step: z.literal('digest'),
    at: instant,
    digest: z.string(),
    localDate: z.string(),
    timezone: z.string(),
    dueAt: instant,
    state: z.string().describe('`handed_off`, `empty` or `skipped`'),
    reason: z.string().nullable(),
    eventId: z.string().nullable(),
    events: z.int().describe('How many events are in it'),
  })
  .meta({ id: 'DigestStep' });

const campaignStep = z
  .object({
    step: z.literal('campaign'),
    at: instant.describe('When it was sent or skipped; of one that is pending, when the member was found'),
    campaign: z.string(),
    audience: z.string().describe('In which the user was found first'),
    state: z.string().describe('`pending`, `queued` or `skipped`'),
    reason: z.string().nullable().describe('Why it was skipped, as `preference`'),
    channel: z.string().nullable(),
    eventId: z.string().nullable().describe('The event by which the user got it'),
    dueAt: instant,
    convertedAt: instant.nullable().describe('When the goal of the campaign happened'),
    explanation: z.string().describe('For people: whether the user got it, and why not'),
  })
  .meta({ id: 'CampaignStep' });

/** The response of GET /v1/users/{userId}/timeline. */
export const timelineResponse = z
  .object({
    userId,
    timeline: z.array(
      z.discriminatedUnion('step', [
        eventStep,
        webhookStep,
        membershipStep,
        streamStep,
        digestStep,
        campaignStep,
      ]),
    ),
    next: nextCursor,
  })
  .meta({ id: 'Timeline' });

/** The response of GET /v1/users/{userId}/events/{eventId}. */
export const eventResponse = event.extend({ userId }).meta({ id: 'EventOfUser' });

const connection = z
  .object({
    nodeId: z.string(),
    transport: z.enum(['socket', 'event-stream']),
    since: instant,
    offset: z.int().nullable().describe('Null until it has its history'),
    lag: z.int().nullable().describe('How many offsets it was not sent yet; null until it has its history'),
    unacknowledged: z.int(),
    unreadBytes: z.int(),
  })
  .meta({ id: 'Connection', description: 'The connection of a device' });

const subscription = z.object({
  processor: z.string(),
  subscriptionId: z.string(),
  customerId: z.string(),
  status: z.string(),
  planId: z.string().nullable(),
  cancelAt: instant.nullable(),
  asOf: instant,
});

/** The response of GET /v1/users/{userId}. */
export const userResponse = z
  .object({
    userId,
    awake: z.boolean().optional().describe('Whether a device is connected; left out while Redis is away.'),
    ...stateResponse.shape,
    subscriptions: z.array(subscription),
    links: z.array(z.object({ processor: z.string(), customerId: z.string() })),
    streams: z
      .array(
        z.object({
          streamId: z.string(),
          deviceId: z.string(),
          titleId: z.string(),
          edgeId: z.string(),
          startedAt: instant,
        }),
      )
      .describe('Those that run now.'),
    preferences: preferencesAnswer,
    devices: z.array(
      deviceAnswer.extend({
        membership: z.string().describe('How far the newest plan change got on it.'),
        connection: connection
          .nullable()
          .optional()
          .describe('Null for one that is not connected; left out while that is not known'),
      }),
    ),
    notApplied: z.array(z.string()).describe('Devices without the receipt `applied` for it.'),
  })
  .meta({ id: 'UserOverview', description: 'All that is known of a user' });
