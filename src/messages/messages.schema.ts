import { z } from 'zod';
import { phone } from '../contacts/contact.schema.js';
import { locale } from '../platform/locale.schema.js';
import { instant, userId } from '../platform/auth/ids.schema.js';
import { cursorOf, listLimit, nextCursor } from '../platform/http/cursor.schema.js';
import { plainText, shortName } from '../platform/http/text.schema.js';
import { MESSAGE_CHANNELS, MESSAGE_STATES } from './message.js';

/** Far longer than any text that is sent, so that the error can say how many parts it would take. */
const MAX_TEXT = 20_000;
const MAX_HTML = 200_000;
/** Gmail cuts off what is longer. */
const MAX_SUBJECT = 250;

/** PostgreSQL's `text` cannot hold U+0000. Line ends are the only control characters that a text needs. */
const body = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u, { error: 'must not hold control characters' });

const channels = z
  .array(z.enum(MESSAGE_CHANNELS))
  .min(1)
  .max(MESSAGE_CHANNELS.length)
  .refine((all) => new Set(all).size === all.length, { error: 'must name each channel once' })
  .describe('Tried in this order: the next one when one fails for good.');
const category = shortName;
const trackedName = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, { error: 'must be 1 to 64 of A-Z a-z 0-9 _ . : -' });

/** The body of `POST /v1/messages`. */
export const newMessage = z
  .strictObject({
    userId,
    channels,
    tier: z.enum(['critical', 'important']).default('important'),
    category: category
      .default('general')
      .describe(
        'What the user may unsubscribe from. `verification` alone goes to addresses that are not verified.',
      ),
    subject: plainText(MAX_SUBJECT).min(1).optional().describe('Of a mail.'),
    text: body(MAX_TEXT).optional(),
    html: body(MAX_HTML).optional().describe('Of a mail, beside the text.'),
    template: z
      .strictObject({
        name: plainText(64).min(1),
        data: z.record(z.string(), z.unknown()).default({}),
        locale: locale
          .optional()
          .describe('The language of the words; by default that of the contact, else of a device'),
      })
      .optional()
      .describe('In place of `subject`, `text` and `html`'),
    tracking: z
      .strictObject({ team: trackedName.optional(), campaign: trackedName.optional() })
      .optional()
      .describe('Counts its delivery, and of a mail with `html` clicks and opens; `{}` for no campaign'),
    expiresAt: instant
      .optional()
      .describe('It is of no use any more; in 24 hours by default, within a week.'),
  })
  .refine(
    ({ channels: wanted, subject, template }) =>
      !wanted.includes('email') || subject !== undefined || template !== undefined,
    { path: ['subject'], error: 'is needed for a mail' },
  )
  .refine(({ text, template }) => text !== undefined || template !== undefined, {
    path: ['text'],
    error: 'is needed, or a template',
  })
  .refine(
    ({ subject, text, html, template }) =>
      template === undefined || [subject, text, html].every((one) => one === undefined),
    { path: ['template'], error: 'has the subject, text and html: leave them out' },
  )
  .meta({
    id: 'NewMessage',
    examples: [
      {
        userId: 'ada',
        channels: ['email'],
        category: 'billing',
        subject: 'Your payment did not go through',
        text: 'Please check your card.',
      },
    ],
  });
export type NewMessageBody = z.infer<typeof newMessage>;

/** The response of `POST /v1/messages`. */
export const queuedMessage = z
  .object({ id: z.string(), userId, state: z.literal('queued') })
  .meta({ id: 'QueuedMessage' });

/** The body of `POST /v1/messages/preview`. */
export const previewedText = z
  .strictObject({ text: body(MAX_TEXT), to: phone.optional() })
  .meta({ id: 'PreviewedText', examples: [{ text: 'Your code is 4711.', to: '+4915112345678' }] });
export type PreviewedText = z.infer<typeof previewedText>;

/** The response of the same. */
export const textPreview = z
  .object({
    encoding: z.enum(['GSM-7', 'UCS-2']),
    units: z.int().describe('Septets of GSM-7, or 16-bit units of UCS-2'),
    parts: z.array(z.string()),
    isTooLong: z.boolean().describe('It has more parts than are sent.'),
    senders: z
      .array(
        z.object({
          provider: z.string(),
          sender: z.string(),
          parts: z.int().describe('More where the carrier does not join them, and each is numbered'),
          price: z.number(),
          currency: z.string(),
        }),
      )
      .describe('Those of the route of `to`, in the order in which they are tried'),
  })
  .meta({ id: 'TextPreview' });

/** The query of `GET /v1/users/{userId}/messages`. */
export const messagesQuery = z.strictObject({
  before: cursorOf(z.tuple([instant, z.string().max(64)])).optional(),
  limit: listLimit,
});
export type MessagesQuery = z.output<typeof messagesQuery>;

/** The response of the same. */
export const messageList = z
  .object({
    messages: z.array(
      z.object({
        id: z.string(),
        channel: z.enum(MESSAGE_CHANNELS),
        laterChannels: z.array(z.enum(MESSAGE_CHANNELS)),
        tier: z.string(),
        category: z.string(),
        subject: z.string().nullable(),
        state: z.enum(MESSAGE_STATES),
        reason: z.string().nullable(),
        attempts: z.int(),
        provider: z.string().nullable(),
        parts: z.int().nullable(),
        price: z.number().nullable(),
        currency: z.string().nullable(),
        createdAt: instant,
        sentAt: instant.nullable(),
        settledAt: instant.nullable(),
      }),
    ),
    next: nextCursor,
  })
  .meta({ id: 'Messages' });

/** The query of links to unsubscribe. */
export const unsubscribeQuery = z.object({
  token: z
    .string()
    .max(300)
    .meta({ description: 'As the link has it', examples: ['from-a-mail'] }),
});
export type UnsubscribeQuery = z.infer<typeof unsubscribeQuery>;
