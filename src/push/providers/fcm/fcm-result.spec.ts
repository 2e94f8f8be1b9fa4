import { describe, expect, test } from '@jest/globals';
import type { SendResult } from '../push-provider.js';
import { fcmErrorOf } from './fcm-response.schema.js';
import { toFcmResult } from './fcm-result.js';

const said = (status: number, code?: string, more: { retryAfterMs?: number; namesAddress?: boolean } = {}) =>
  toFcmResult({ status, code, namesAddress: false, retryAfterMs: undefined, ...more });

/** Google's table "FCM error codes", then the canonical codes of its API. */
const TABLE: [status: number, code: string, is: SendResult['is']][] = [
  [400, 'INVALID_ARGUMENT', 'sender_fault'],
  [404, 'UNREGISTERED', 'gone'],
  [403, 'SENDER_ID_MISMATCH', 'our_fault'],
  [429, 'QUOTA_EXCEEDED', 'again'],
  [503, 'UNAVAILABLE', 'again'],
  [500, 'INTERNAL', 'again'],
  [401, 'THIRD_PARTY_AUTH_ERROR', 'our_fault'],
  [401, 'APNS_AUTH_ERROR', 'our_fault'],
  [401, 'UNAUTHENTICATED', 'our_fault'],
  [403, 'PERMISSION_DENIED', 'our_fault'],
  [404, 'NOT_FOUND', 'our_fault'],
  [429, 'RESOURCE_EXHAUSTED', 'again'],
  [504, 'DEADLINE_EXCEEDED', 'again'],
  [409, 'ABORTED', 'again'],
  [500, 'UNSPECIFIED_ERROR', 'again'],
];

describe('FCM says', () => {
  test.each(TABLE)('%i %s: %s', (status, code, is) => {
    expect(said(status, code)).toMatchObject({ is });
  });

  test.each([
    [302, 'again'],
    [400, 'sender_fault'],
    [401, 'our_fault'],
    [403, 'our_fault'],
    [404, 'sender_fault'],
    [429, 'again'],
    [502, 'again'],
  ])('%i without a code: %s', (status, is) => {
    expect(said(status)).toMatchObject({ is });
  });

  test('when to come back; a quota without a word is a minute', () => {
    expect(said(503, 'UNAVAILABLE', { retryAfterMs: 7_000 })).toMatchObject({ afterMs: 7_000 });
    expect(said(503, 'UNAVAILABLE')).toMatchObject({ afterMs: undefined });
    expect(said(429, 'QUOTA_EXCEEDED', { retryAfterMs: 7_000 })).toMatchObject({ afterMs: 7_000 });
    expect(said(429, 'QUOTA_EXCEEDED')).toMatchObject({ afterMs: 60_000 });
  });

  test('an invalid argument kills an address only when it is the address that is invalid', () => {
    expect(said(400, 'INVALID_ARGUMENT', { namesAddress: true })).toMatchObject({ is: 'gone' });
  });
});

test('an error is read whatever stands in it', () => {
  const details = [
    { '@type': 'x' },
    { errorCode: 'UNREGISTERED' },
    { fieldViolations: [{ field: 'message.token' }] },
  ];
  expect(fcmErrorOf({ error: { status: 'NOT_FOUND', details } })).toEqual({
    code: 'UNREGISTERED',
    fields: ['message.token'],
  });
  expect(fcmErrorOf({ error: { status: 'NOT_FOUND' } })).toEqual({ code: 'NOT_FOUND', fields: [] });
  expect(fcmErrorOf({ error: { status: 7, details: [{ errorCode: 8, fieldViolations: 'x' }] } })).toEqual({
    code: undefined,
    fields: [],
  });
  for (const odd of [undefined, null, 'x', 7, [], {}, { error: 'x' }])
    expect(fcmErrorOf(odd)).toEqual({ code: undefined, fields: [] });
});
