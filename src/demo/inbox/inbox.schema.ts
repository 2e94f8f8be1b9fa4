import { z } from 'zod';
import { userId } from '../../platform/auth/ids.schema.js';

/** The body of POST /dev/inbox/send: what the back office sends. */
export const inboxSendBody = z.object({ userId, channel: z.enum(['email', 'sms']) });
export type InboxSendBody = z.infer<typeof inboxSendBody>;

/** The body of POST /dev/inbox/reply: what the user texts back. */
export const inboxReplyBody = z.object({ userId, text: z.string().min(1).max(160) });
export type InboxReplyBody = z.infer<typeof inboxReplyBody>;
