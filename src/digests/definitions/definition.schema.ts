import { z } from 'zod';
import { eventType } from '../../mailbox/events/publish.schema.js';
import { TOLD_CHANNELS } from '../../devices/preferences/channels.js';
import { clock } from '../../devices/preferences/preferences.schema.js';
import { instant } from '../../platform/auth/ids.schema.js';
import { MAX_ITEMS, WEEKDAYS } from './digest-definition.js';

/** A digest's name, chosen by the back office. */
export const digestName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, { error: 'must be 1 to 32 of a-z 0-9 _ -, and begin with a letter' })
  .meta({ description: 'A digest, as the back office named it', examples: ['evening'] });

/** A digest that collects digests would grow with each day. */
const isOfDigests = (type: string) => type.split('.', 1)[0]?.toLowerCase() === 'digest';
const collected = (one: z.ZodString) =>
  z
    .array(one.refine((type) => !isOfDigests(type), { error: 'a digest does not collect digests' }))
    .max(50)
    .default([]);

const channels = z
  .array(z.enum(TOLD_CHANNELS))
  .min(1)
  .max(TOLD_CHANNELS.length)
  .refine((all) => new Set(all).size === all.length, { error: 'must name each channel once' })
  .describe(
    'The first that the user has is taken: a verified address, or a device that can be pushed to. Devices that are connected get it in any case.',
  );

const definition = z.strictObject({
  types: collected(eventType).describe('Types of events that it collects, as `promo.started`'),
  categories: collected(z.string().regex(/^[a-z][a-z0-9_-]*$/i).max(64)) // prettier-ignore
    .describe('First words of types, as `promo`: it collects all events of these categories'),
  cadence: z.enum(['daily', 'weekly']),
  weekday: z.enum(WEEKDAYS).optional().describe('Of a weekly digest'),
  at: clock.describe("A time of day by the user's clock"),
  maxItems: z
    .int()
    .min(1)
    .max(MAX_ITEMS)
    .default(20)
    .describe('How many events it shows; the others are counted'),
  order: z.enum(['newest', 'oldest']).default('newest').describe('Which events come first, and are shown'),
  group: z.enum(['none', 'category', 'type']).default('none').describe('What stands together'),
  optIn: z
    .boolean()
    .default(true)
    .describe(
      'Only for users whose preferences choose `digest` for one of its categories; false: for everyone',
    ),
  channels: channels.default(['push']),
});
const EXAMPLE = {
  categories: ['promo', 'social'],
  cadence: 'daily',
  at: '17:00',
  maxItems: 20,
  order: 'newest',
  group: 'category',
  optIn: false,
  channels: ['email', 'push'],
} as const;

/** Body of `PUT /v1/digests/{name}`. */
export const digestBody = definition
  .refine(({ types, categories }) => types.length + categories.length > 0, {
    error: 'types or categories must name what it collects',
  })
  .refine(({ cadence, weekday }) => (cadence === 'weekly') === (weekday !== undefined), {
    path: ['weekday'],
    error: 'must be given for a weekly digest, and only for one',
  })
  .meta({ id: 'NewDigest', examples: [EXAMPLE] });
export type DigestBody = z.infer<typeof digestBody>;

/** Response of `PUT` and `GET /v1/digests/{name}`. */
export const digestResponse = definition
  .extend({ name: digestName, updatedAt: instant })
  .meta({ id: 'Digest', description: 'What a digest collects, and when it goes out' });
/** Response of `GET /v1/digests`: by name. */
export const digestList = z.object({ digests: z.array(digestResponse) }).meta({ id: 'Digests' });
