import { z } from 'zod';

/** The query of `POST /v1/webhooks/twilio-status`. */
export const twilioStatusQuery = z.object({
  message: z
    .string()
    .min(1)
    .max(64)
    .meta({ description: 'The id of the message', examples: ['AbCdEf'] }),
});
export type TwilioStatusQuery = z.infer<typeof twilioStatusQuery>;

/** What Twilio posts of a text that came in. Other fields are ignored. */
export const twilioText = z.object({
  MessageSid: z.string().min(1).max(64),
  From: z.string().min(1).max(64),
  Body: z.string().max(2_000).default(''),
  /** Set when Twilio handled a keyword itself, and replied to it (Advanced Opt-Out). */
  OptOutType: z.string().optional(),
});

/** What Twilio posts of a text that went out. */
export const twilioStatus = z.object({
  MessageSid: z.string().min(1).max(64),
  MessageStatus: z.string().max(32),
  ErrorCode: z
    .string()
    .regex(/^\d{1,6}$/)
    .optional(),
});
