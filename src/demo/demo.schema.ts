import { z } from 'zod';
import { timezone } from '../devices/device.schema.js';
import { userId } from '../platform/auth/ids.schema.js';

/** The body of the calls that need a user only. */
export const sessionBody = z.object({ userId });
export type SessionBody = z.infer<typeof sessionBody>;

/** The body of POST /dev/session. `timezone`: where the page is, if that is a zone of the IANA database. */
export const signInBody = sessionBody.extend({ timezone: timezone.optional().catch(undefined) });
export type SignInBody = z.infer<typeof signInBody>;

/** What the page's back office can have the payment processor do. `payment_mended`: the failed payment was made after all. */
export const BILLING_ACTIONS = [
  'basic',
  'premium',
  'payment_fails',
  'payment_mended',
  'cancel_at_period_end',
  'resume',
  'cancel_now',
] as const;
/** One of BILLING_ACTIONS. */
export type BillingAction = (typeof BILLING_ACTIONS)[number];

/** The body of POST /dev/office. */
export const billingBody = z.object({ userId, act: z.enum(BILLING_ACTIONS) });
export type BillingBody = z.infer<typeof billingBody>;

/** The body of POST /dev/event: an event of the user. */
export const eventBody = z.object({ userId, eventId: z.uuid() });
export type EventBody = z.infer<typeof eventBody>;
