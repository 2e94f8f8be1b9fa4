import { describe, expect, test } from '@jest/globals';
import type { SendResult } from '../../../platform/sending/send-result.js';
import { toApnsResult } from './apns-result.js';

/** Apple's table, by status: "Handling notification responses from APNs". */
const TABLE: [status: number, reason: string, is: SendResult['is']][] = [
  [400, 'BadCollapseId', 'rejected'],
  [400, 'BadDeviceToken', 'unregistered'],
  [400, 'BadExpirationDate', 'rejected'],
  [400, 'BadMessageId', 'rejected'],
  [400, 'BadPriority', 'rejected'],
  [400, 'BadTopic', 'misconfigured'],
  [400, 'DeviceTokenNotForTopic', 'misconfigured'],
  [400, 'DuplicateHeaders', 'rejected'],
  [400, 'IdleTimeout', 'retry'],
  [400, 'InvalidPushType', 'rejected'],
  [400, 'MissingDeviceToken', 'rejected'],
  [400, 'MissingTopic', 'misconfigured'],
  [400, 'PayloadEmpty', 'rejected'],
  [400, 'TopicDisallowed', 'misconfigured'],
  [403, 'BadCertificate', 'misconfigured'],
  [403, 'BadCertificateEnvironment', 'misconfigured'],
  [403, 'BadEnvironmentKeyIdInToken', 'misconfigured'],
  [403, 'BadEnvironmentKeyInToken', 'misconfigured'],
  [403, 'ExpiredProviderToken', 'misconfigured'],
  [403, 'Forbidden', 'misconfigured'],
  [403, 'InvalidProviderToken', 'misconfigured'],
  [403, 'InvalidSigningKey', 'misconfigured'],
  [403, 'MissingProviderToken', 'misconfigured'],
  [403, 'UnrelatedKeyIdInToken', 'misconfigured'],
  [404, 'BadPath', 'rejected'],
  [405, 'MethodNotAllowed', 'rejected'],
  [410, 'ExpiredToken', 'unregistered'],
  [410, 'Unregistered', 'unregistered'],
  [413, 'PayloadTooLarge', 'rejected'],
  [429, 'TooManyProviderTokenUpdates', 'misconfigured'],
  [429, 'TooManyRequests', 'retry'],
  [500, 'InternalServerError', 'retry'],
  [503, 'ServiceUnavailable', 'retry'],
  [503, 'Shutdown', 'retry'],
];

describe('a response of APNs', () => {
  test.each(TABLE)('%i %s means %s', (status, reason, is) => {
    expect(toApnsResult(status, reason)).toMatchObject({ is, reason });
  });

  test.each([
    [302, 'retry'],
    [400, 'rejected'],
    [403, 'misconfigured'],
    [410, 'unregistered'],
    [418, 'rejected'],
    [429, 'retry'],
    [502, 'retry'],
  ])('%i with an undocumented reason means %s, and the reason is not repeated', (status, is) => {
    expect(toApnsResult(status, 'secret of a proxy')).toMatchObject({ is, reason: `status_${status}` });
  });
});

describe('the time at which a token became invalid', () => {
  const at = Date.UTC(2026, 0, 2);

  test.each(['Unregistered', 'ExpiredToken'])('is taken from a 410 %s', (reason) => {
    expect(toApnsResult(410, reason, at)).toEqual({ is: 'unregistered', since: new Date(at), reason });
  });

  test('is taken from no other response: a wrong time would spare a token that was registered later', () => {
    expect(toApnsResult(400, 'BadDeviceToken', at)).toMatchObject({ since: undefined });
    expect(toApnsResult(410, 'UnknownError', at)).toMatchObject({ is: 'unregistered', since: undefined });
    expect(toApnsResult(410, 'Unregistered', Number.NaN)).toMatchObject({ since: undefined });
  });
});
