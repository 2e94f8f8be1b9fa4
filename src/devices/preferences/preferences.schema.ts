import { z } from 'zod';

/** A time of day, as `22:30`. */
export const clock = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'must be a time of day, as 22:30' });

/** From one time of day to another, in the device's own time zone; over midnight if `end` is earlier than `start`. */
export const quietHours = z
  .object({ start: clock, end: clock })
  .refine(({ start, end }) => start !== end, { error: 'start and end must differ' });
/** Quiet hours. */
export type QuietHours = z.infer<typeof quietHours>;

/** The first word of an event's type, as `promo` of `promo.started`. */
const category = z.string().regex(/^[a-z][a-z0-9_-]*$/i).max(64); // prettier-ignore

const categoryPreference = z.object({
  channels: z
    .object({
      push: z.boolean().optional(),
      email: z.boolean().optional().describe('Mails that follow a push, and digests by mail'),
      sms: z.boolean().optional().describe('Texts that follow a push, and digests by text'),
    })
    .optional()
    .describe('What is left out has its default.'),
  delivery: z
    .enum(['immediate', 'digest', 'off'])
    .optional()
    .describe(
      '`digest`: not pushed when it happens, but told in the digest that collects it. `off`: neither.',
    ),
  quietHours: quietHours.nullable().optional().describe('In place of the general ones; null: none.'),
});

const preferences = z.object({
  categories: z
    .record(category, categoryPreference)
    .refine((given) => Object.keys(given).length <= 50, { error: 'at most 50 categories' })
    .default({}),
  quietHours: quietHours.nullable().default(null),
  oneDeviceIsEnough: z
    .boolean()
    .default(false)
    .describe('What was seen on one device is no longer pushed to the others.'),
});

/** The body of `PUT /v1/me/preferences`. */
export const preferencesBody = preferences.meta({
  id: 'NewPreferences',
  examples: [
    { categories: { promo: { channels: { push: false } } }, quietHours: { start: '22:00', end: '07:00' } },
  ],
});
/** What a user wants to be pushed, and when. */
export type Preferences = z.infer<typeof preferencesBody>;

/** The answer of `GET` and `PUT /v1/me/preferences`. */
export const preferencesAnswer = preferences.meta({ id: 'Preferences' });
