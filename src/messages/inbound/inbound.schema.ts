import { z } from 'zod';
import { instant } from '../../platform/auth/ids.schema.js';
import { cursorOf, listLimit, nextCursor } from '../../platform/http/cursor.schema.js';

const id = z.string().max(255);

/** The query of `GET /v1/messages/inbound`. */
export const inboundQuery = z.strictObject({
  before: cursorOf(z.tuple([instant, id, id, id])).optional(),
  limit: listLimit,
});
export type InboundQuery = z.output<typeof inboundQuery>;

/** The response of the same. */
export const inboundList = z
  .object({
    texts: z.array(
      z.object({
        provider: z.string(),
        providerId: z.string(),
        userId: z.string().nullable().describe('Who has the number; a text is listed for each of several'),
        from: z.string(),
        text: z.string(),
        keyword: z.enum(['stop', 'start', 'help']).nullable().describe('What Usher did about it'),
        receivedAt: instant,
      }),
    ),
    next: nextCursor,
  })
  .meta({ id: 'InboundTexts' });

/** What a provider of mails, or of texts over HTTP, reports: the body of `POST /v1/webhooks/messages`. */
export const messageReport = z
  .object({
    messageId: z.string().min(1).max(64),
    providerId: id.min(1).optional().describe('What the provider calls the message, if it told so'),
    state: z
      .enum(['delivered', 'failed', 'bounced', 'complained'])
      .describe(
        '`bounced`: there is no such mailbox or number. After it, and after a complaint, nothing more goes there.',
      ),
    reason: z
      .string()
      .regex(/^[\w.-]{1,100}$/)
      .optional(),
  })
  .meta({ id: 'MessageReport', examples: [{ messageId: 'AbCdEf', state: 'delivered' }] });

/** The response of the same. */
export const reportReceived = z
  .object({ received: z.literal(true), applied: z.boolean().describe('False for one that changes nothing') })
  .meta({ id: 'ReportReceived' });
