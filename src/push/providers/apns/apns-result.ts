import type { SendResult } from '../push-provider.js';

type Of = (sinceMs: number | undefined) => SendResult;

const again =
  (reason: string, afterMs?: number): Of =>
  () => ({ is: 'again', afterMs, reason });
const gone =
  (reason: string): Of =>
  (sinceMs) => ({ is: 'gone', since: sinceMs === undefined ? undefined : new Date(sinceMs), reason });
const ourFault =
  (reason: string): Of =>
  () => ({ is: 'our_fault', reason });
const senderFault =
  (reason: string): Of =>
  () => ({ is: 'sender_fault', reason });

const table = (kind: (reason: string) => Of, ...reasons: string[]): [string, Of][] =>
  reasons.map((reason) => [reason, kind(reason)]);

/**
 * Apple's table, "Handling notification responses from APNs". Two rows are a choice. BadDeviceToken is `gone`: no setting of ours
 * makes it good, except the wrong environment, and then every app registers anew when it starts. DeviceTokenNotForTopic is our fault:
 * the token is good for another APNS_TOPIC, and forgetting all of them over a typing error would be worse than an alarm.
 */
const BY_REASON: ReadonlyMap<string, Of> = new Map([
  ...table(gone, 'BadDeviceToken', 'Unregistered', 'ExpiredToken'),
  ...table(
    ourFault,
    'BadCertificate',
    'BadCertificateEnvironment',
    'BadEnvironmentKeyIdInToken',
    'BadEnvironmentKeyInToken',
    'BadTopic',
    'DeviceTokenNotForTopic',
    'ExpiredProviderToken',
    'Forbidden',
    'InvalidProviderToken',
    'InvalidSigningKey',
    'MissingProviderToken',
    'MissingTopic',
    'TooManyProviderTokenUpdates',
    'TopicDisallowed',
    'UnrelatedKeyIdInToken',
  ),
  ...table(
    senderFault,
    'BadCollapseId',
    'BadExpirationDate',
    'BadMessageId',
    'BadPath',
    'BadPriority',
    'DuplicateHeaders',
    'InvalidPushType',
    'MethodNotAllowed',
    'MissingDeviceToken',
    'PayloadEmpty',
    'PayloadTooLarge',
  ),
  ...table(again, 'IdleTimeout', 'InternalServerError', 'ServiceUnavailable', 'Shutdown', 'TooManyRequests'),
]);

/**
 * What an answer of APNs other than 200 means.
 *
 * @param timestamp milliseconds, of a 410: when APNs knew that the token was no longer good
 */
export function toApnsResult(status: number, reason: string, timestamp?: number): SendResult {
  const known = BY_REASON.get(reason);
  const since = known && status === 410 && Number.isSafeInteger(timestamp) ? timestamp : undefined;
  return (known ?? byStatus(status))(since);
}

/** For an answer that Apple does not document. Its text is not repeated. */
function byStatus(status: number): Of {
  const reason = `status_${status}`;
  if (status === 410) return gone(reason);
  if (status === 403) return ourFault(reason);
  return status === 429 || status >= 500 || status < 400 ? again(reason) : senderFault(reason);
}
