import { z } from 'zod';
import {
  misconfigured,
  rejected,
  retry,
  retryAfterMs,
  type SendResult,
} from '../../../platform/sending/send-result.js';

/** The reason of a text to a number whose owner has ended texts, which Twilio knows too. */
export const OPTED_OUT = 'opted_out';

/** The number has sent STOP (twilio.com/docs/api/errors/21610). */
const STOPPED = 21_610;
/** Our sender or account is wrong, whatever the recipient: 20003 credentials, 20404 account, the others the sender. */
const OUR_FAULT = new Set([
  20_003, 20_005, 20_404, 21_212, 21_603, 21_606, 21_659, 21_660, 21_703, 21_704, 21_705,
]);
/** The queue of the sender is full (21611), or too many requests (20429). */
const LATER = new Set([20_429, 21_611]);

const taken = z.object({ sid: z.string().min(1).max(64) });
const refused = z.object({ code: z.number().int() });

/** A response of Twilio. */
export interface TwilioResponse {
  readonly status: number;
  readonly retryAfter?: unknown;
  readonly body: unknown;
}

/** Returns what a response to a text means (twilio.com/docs/api/errors). */
export function twilioResult({ status, retryAfter, body }: TwilioResponse): SendResult {
  const { data: message } = taken.safeParse(body);
  if (status >= 200 && status < 300)
    return message ? { is: 'delivered', id: message.sid } : retry('no_message_id');
  if (status === 429) return retry('status_429', retryAfterMs(retryAfter, Date.now()));
  if (status >= 500) return retry(`status_${status}`, retryAfterMs(retryAfter, Date.now()));
  const code = refused.safeParse(body).data?.code;
  const reason = code === undefined ? `status_${status}` : `twilio_${code}`;
  if (code === STOPPED) return rejected(OPTED_OUT);
  if (code !== undefined && LATER.has(code)) return retry('deferred');
  if (status === 401 || status === 403 || status === 404 || (code !== undefined && OUR_FAULT.has(code)))
    return misconfigured(reason);
  return rejected(reason);
}
