import type { SendResult } from '../push-provider.js';

const again = (reason: string, afterMs?: number): SendResult => ({ is: 'again', afterMs, reason });
const ourFault = (reason: string): SendResult => ({ is: 'our_fault', reason });
const senderFault = (reason: string): SendResult => ({ is: 'sender_fault', reason });

/**
 * What a push service's answer means: RFC 8030 §5 and §7.3, RFC 8292 §4.2, and what Mozilla, Google, Apple and Microsoft add (406 is
 * Microsoft's word for too many). A redirect is not followed: it could lead to an inner host.
 */
export function toWebPushResult(status: number, retryAfterMs: number | undefined): SendResult {
  const reason = `status_${status}`;
  switch (status) {
    case 200:
    case 201:
    case 202:
    case 204:
      return { is: 'delivered' };
    // VAPID is missing, wrong, or another than the browser subscribed with.
    case 401:
    case 403:
      return ourFault(reason);
    case 404:
    case 410:
      return { is: 'gone', since: undefined, reason };
    case 406:
    case 408:
    case 429:
      return again(reason, retryAfterMs);
    default:
      return status >= 500 ? again(reason, retryAfterMs) : senderFault(reason);
  }
}
