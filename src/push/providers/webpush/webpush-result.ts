import {
  DELIVERED,
  misconfigured,
  rejected,
  retry,
  type SendResult,
  unregistered,
} from '../../../platform/sending/send-result.js';

/**
 * The result of a push service's response: RFC 8030 §5 and §7.3, RFC 8292 §4.2, and what Mozilla, Google, Apple and Microsoft add
 * (Microsoft sends 406 where others send 429). A redirect is not followed: it could lead to a private host.
 *
 * @param retryAfterMs from the response's Retry-After, in milliseconds
 */
export function toWebPushResult(status: number, retryAfterMs: number | undefined): SendResult {
  const reason = `status_${status}`;
  switch (status) {
    case 200:
    case 201:
    case 202:
    case 204:
      return DELIVERED;
    // The VAPID key is missing, wrong, or not the one that the browser subscribed with.
    case 401:
    case 403:
      return misconfigured(reason);
    case 404:
    case 410:
      return unregistered(reason);
    case 406:
    case 408:
    case 429:
      return retry(reason, retryAfterMs);
    default:
      return status >= 500 ? retry(reason, retryAfterMs) : rejected(reason);
  }
}
