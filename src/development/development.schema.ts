import { z } from 'zod';
import { userId } from '../platform/auth/names.schema.js';

export const sessionBody = z.object({ userId });
export type SessionBody = z.infer<typeof sessionBody>;

/** What the page's back office can have the payment processor do. */
export const ACTS = [
  'basic',
  'premium',
  'payment_fails',
  'payment_mended',
  'cancel_at_period_end',
  'resume',
  'cancel_now',
] as const;
export type Act = (typeof ACTS)[number];

export const officeBody = z.object({ userId, act: z.enum(ACTS) });
export type OfficeBody = z.infer<typeof officeBody>;
