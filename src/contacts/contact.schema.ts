import { z } from 'zod';
import { timezone } from '../devices/device.schema.js';
import { locale } from '../platform/locale.schema.js';
import { instant } from '../platform/auth/ids.schema.js';
import { faultOfPhoneNumber } from './phone-number.js';

/** RFC 5321 allows 254 characters between the angle brackets. */
const email = z
  .email({ error: 'must be a mail address' })
  .max(254)
  .meta({ examples: ['ada@example.com'] });

/** A number in E.164 that can receive texts. */
export const phone = z
  .string()
  .max(16)
  .superRefine((text, context) => {
    const fault = faultOfPhoneNumber(text);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  })
  .meta({ description: 'E.164; no landline and no premium number', examples: ['+4915112345678'] });

const fields = {
  email: email.optional(),
  phone: phone.optional(),
  timezone: timezone.optional(),
  locale: locale.optional(),
};
const example = {
  email: 'ada@example.com',
  phone: '+4915112345678',
  timezone: 'Europe/Berlin',
  locale: 'de-DE',
};

/** The body of `PUT /v1/me/contact`. What is left out is removed, and what is unknown is ignored: an app may be newer than its server. */
export const ownContact = z.object(fields).meta({ id: 'OwnContact', examples: [example] });
export type OwnContact = z.infer<typeof ownContact>;

/** The body of `PUT /v1/users/{userId}/contact`. What is left out is removed. */
export const newContact = z
  .strictObject({
    ...fields,
    emailVerified: z.boolean().default(false).describe('The user has shown that they read it.'),
    phoneVerified: z.boolean().default(false).describe('The user has shown that they have it.'),
  })
  .refine(({ email: address, emailVerified }) => address !== undefined || !emailVerified, {
    path: ['emailVerified'],
    error: 'there is no email that could be verified',
  })
  .refine(({ phone: address, phoneVerified }) => address !== undefined || !phoneVerified, {
    path: ['phoneVerified'],
    error: 'there is no phone that could be verified',
  })
  .meta({ id: 'NewContact', examples: [{ ...example, emailVerified: true }] });
export type NewContact = z.infer<typeof newContact>;

/** How a user is reached without the app, in a response. */
export const contactResponse = z
  .object({
    email: z.string().nullable(),
    emailVerified: z.boolean(),
    phone: z.string().nullable(),
    phoneVerified: z.boolean(),
    timezone: z.string().nullable(),
    locale: z.string().nullable(),
    updatedAt: instant,
  })
  .meta({ id: 'Contact' });
/** How a user is reached without the app. */
export type Contact = z.infer<typeof contactResponse>;
