import { z } from 'zod';
import { platform, timezone } from '../../devices/device.schema.js';
import { locale } from '../../platform/locale.schema.js';
import { MEMBERSHIP_STATUSES, titleId } from '../../mailbox/events/event-data.schema.js';
import { plainText } from '../../platform/http/text.schema.js';
import { type AudienceRule, MAX_CONDITIONS, MAX_RULE_DEPTH, sizeOfRule } from './audience-rule.js';

const MOST_VALUES = 100;
const MAX_DAYS = 3_650;

const some = <Value extends z.ZodType>(value: Value) => z.array(value).min(1).max(MOST_VALUES);
const days = z.int().min(1).max(MAX_DAYS);
const version = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,9}){0,3}$/, { error: 'must be one to four numbers with dots between, as 4.10' });

const appVersion = z
  .strictObject({
    platform: platform.optional(),
    atLeast: version.optional(),
    below: version.optional(),
  })
  .refine(({ atLeast, below }) => atLeast !== undefined || below !== undefined, {
    error: 'atLeast or below must be given',
  });

const preference = z
  .strictObject({
    category: z.string().regex(/^[a-z][a-z0-9_-]*$/i).max(64), // prettier-ignore
    delivery: z.enum(['immediate', 'digest', 'off']).optional(),
    channels: z
      .strictObject({
        push: z.boolean().optional(),
        email: z.boolean().optional(),
        sms: z.boolean().optional(),
      })
      .optional(),
  })
  .refine(({ delivery, channels }) => delivery !== undefined || channels !== undefined, {
    error: 'delivery or channels must be given',
  })
  .describe('What the user has set for the category: all that is named here');

const parts = () =>
  z
    .array(z.lazy(() => node))
    .min(1)
    .max(MAX_CONDITIONS);

const node: z.ZodType<AudienceRule> = z
  .strictObject({
    all: parts().optional().describe('All of these'),
    any: parts().optional().describe('One of these at least'),
    not: z
      .lazy(() => node)
      .optional()
      .describe('Not this'),
    everyone: z.literal(true).optional(),
    plan: some(plainText(64).min(1)).optional().describe('The plan of the membership, whatever its status'),
    status: some(z.enum(MEMBERSHIP_STATUSES)).optional().describe('The status of the membership'),
    platform: some(platform).optional().describe('A device of one of these platforms'),
    appVersion: appVersion
      .optional()
      .describe('A device with such an app. `4.2` and `4.2.0` are the same; one without numbers fits none'),
    locale: some(locale)
      .optional()
      .describe(
        'The language of the contact, else of the device that was seen last; `de` is `de-CH` as well',
      ),
    timezone: some(timezone).optional().describe('The same of the time zone'),
    lastSeen: z
      .strictObject({ withinDays: days })
      .optional()
      .describe('A device that was seen in these days'),
    watched: z
      .strictObject({ showId: titleId, withinDays: days.optional() })
      .optional()
      .describe('A profile that has watched the show'),
    preference: preference.optional(),
  })
  .refine((rule) => Object.values(rule).filter((value) => value !== undefined).length === 1, {
    error: 'must have exactly one condition; several are combined by all or any',
  })
  .meta({ id: 'AudienceRule', description: 'Who belongs to an audience' });

/** Who belongs to an audience. */
export const audienceRule = node.superRefine((rule, context) => {
  const { depth, conditions } = sizeOfRule(rule);
  if (depth > MAX_RULE_DEPTH || conditions > MAX_CONDITIONS)
    context.addIssue({
      code: 'custom',
      message: `may be ${MAX_RULE_DEPTH} levels deep and have ${MAX_CONDITIONS} conditions`,
    });
});
