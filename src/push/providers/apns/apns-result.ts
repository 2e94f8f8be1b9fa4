import {
  misconfigured,
  rejected,
  retry,
  type SendResult,
  unregistered,
} from '../../../platform/sending/send-result.js';

type Failure = Exclude<SendResult['is'], 'delivered'>;

const all = (failure: Failure, ...reasons: string[]): [string, Failure][] =>
  reasons.map((reason) => [reason, failure]);

/**
 * Apple's table, "Handling notification responses from APNs". Two rows are our choice. BadDeviceToken is `unregistered`: no setting of
 * ours makes the token good, except for the wrong environment, and then every app registers again when it starts. DeviceTokenNotForTopic
 * is `misconfigured`: the token is good for another APNS_TOPIC, and to forget all tokens over a typing error is worse than an alarm.
 */
const FAILURE_OF_REASON: ReadonlyMap<string, Failure> = new Map([
  ...all('unregistered', 'BadDeviceToken', 'Unregistered', 'ExpiredToken'),
  ...all(
    'misconfigured',
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
  ...all(
    'rejected',
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
  ...all('retry', 'IdleTimeout', 'InternalServerError', 'ServiceUnavailable', 'Shutdown', 'TooManyRequests'),
]);

/**
 * The result of a response other than 200.
 *
 * @param timestamp Unix time in milliseconds that comes with a 410: when APNs knew that the token was no longer good
 */
export function toApnsResult(status: number, reason: string, timestamp?: number): SendResult {
  const failure = FAILURE_OF_REASON.get(reason);
  // A reason that Apple does not document may be a proxy's text. It is not repeated.
  if (!failure) return resultOf(failureOfStatus(status), `status_${status}`);
  const hasTime = timestamp !== undefined && status === 410 && Number.isSafeInteger(timestamp);
  return resultOf(failure, reason, hasTime ? new Date(timestamp) : undefined);
}

function resultOf(failure: Failure, reason: string, since?: Date): SendResult {
  switch (failure) {
    case 'retry':
      return retry(reason);
    case 'unregistered':
      return unregistered(reason, since);
    case 'misconfigured':
      return misconfigured(reason);
    case 'rejected':
      return rejected(reason);
  }
}

function failureOfStatus(status: number): Failure {
  if (status === 410) return 'unregistered';
  if (status === 403) return 'misconfigured';
  return status === 429 || status >= 500 || status < 400 ? 'retry' : 'rejected';
}
