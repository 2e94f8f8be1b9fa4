import { describe, expect, test } from '@jest/globals';
import type { SendResult } from '../push-provider.js';
import { toApnsResult } from './apns-result.js';

/** Apple's table, by status: "Handling notification responses from APNs". */
const TABLE: [status: number, reason: string, is: SendResult['is']][] = [
  [400, 'BadCollapseId', 'sender_fault'],
  [400, 'BadDeviceToken', 'gone'],
  [400, 'BadExpirationDate', 'sender_fault'],
  [400, 'BadMessageId', 'sender_fault'],
  [400, 'BadPriority', 'sender_fault'],
  [400, 'BadTopic', 'our_fault'],
  [400, 'DeviceTokenNotForTopic', 'our_fault'],
  [400, 'DuplicateHeaders', 'sender_fault'],
  [400, 'IdleTimeout', 'again'],
  [400, 'InvalidPushType', 'sender_fault'],
  [400, 'MissingDeviceToken', 'sender_fault'],
  [400, 'MissingTopic', 'our_fault'],
  [400, 'PayloadEmpty', 'sender_fault'],
  [400, 'TopicDisallowed', 'our_fault'],
  [403, 'BadCertificate', 'our_fault'],
  [403, 'BadCertificateEnvironment', 'our_fault'],
  [403, 'BadEnvironmentKeyIdInToken', 'our_fault'],
  [403, 'BadEnvironmentKeyInToken', 'our_fault'],
  [403, 'ExpiredProviderToken', 'our_fault'],
  [403, 'Forbidden', 'our_fault'],
  [403, 'InvalidProviderToken', 'our_fault'],
  [403, 'InvalidSigningKey', 'our_fault'],
  [403, 'MissingProviderToken', 'our_fault'],
  [403, 'UnrelatedKeyIdInToken', 'our_fault'],
  [404, 'BadPath', 'sender_fault'],
  [405, 'MethodNotAllowed', 'sender_fault'],
  [410, 'ExpiredToken', 'gone'],
  [410, 'Unregistered', 'gone'],
  [413, 'PayloadTooLarge', 'sender_fault'],
  [429, 'TooManyProviderTokenUpdates', 'our_fault'],
  [429, 'TooManyRequests', 'again'],
  [500, 'InternalServerError', 'again'],
  [503, 'ServiceUnavailable', 'again'],
  [503, 'Shutdown', 'again'],
];

describe('APNs says', () => {
  test.each(TABLE)('%i %s: %s', (status, reason, is) => {
    expect(toApnsResult(status, reason)).toMatchObject({ is, reason });
  });

  test.each([
    [302, 'again'],
    [400, 'sender_fault'],
    [403, 'our_fault'],
    [410, 'gone'],
    [418, 'sender_fault'],
    [429, 'again'],
    [502, 'again'],
  ])('%i with a reason that nobody documented: %s, and the reason is not repeated', (status, is) => {
    expect(toApnsResult(status, 'secret of a proxy')).toMatchObject({ is, reason: `status_${status}` });
  });
});

describe('since when a token is dead', () => {
  const at = Date.UTC(2026, 0, 2);

  test.each(['Unregistered', 'ExpiredToken'])('410 %s says it', (reason) => {
    expect(toApnsResult(410, reason, at)).toEqual({ is: 'gone', since: new Date(at), reason });
  });

  test('no other answer does: a token registered later than a made-up time would be spared', () => {
    expect(toApnsResult(400, 'BadDeviceToken', at)).toMatchObject({ since: undefined });
    expect(toApnsResult(410, 'UnknownError', at)).toMatchObject({ is: 'gone', since: undefined });
    expect(toApnsResult(410, 'Unregistered', Number.NaN)).toMatchObject({ since: undefined });
  });
});
