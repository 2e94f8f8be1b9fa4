import { describe, expect, test } from '@jest/globals';
import type { SendResult } from '../../../platform/sending/send-result.js';
import { parseFcmError } from './fcm-response.schema.js';
import { toFcmResult } from './fcm-result.js';

const resultOf = (
  status: number,
  code?: string,
  more: { retryAfterMs?: number; namesAddress?: boolean } = {},
) => toFcmResult({ status, code, namesAddress: false, retryAfterMs: undefined, ...more });

/** Google's table "FCM error codes", then the canonical codes of its API. */
const TABLE: [status: number, code: string, is: SendResult['is']][] = [
  [400, 'INVALID_ARGUMENT', 'rejected'],
  [404, 'UNREGISTERED', 'unregistered'],
  [403, 'SENDER_ID_MISMATCH', 'misconfigured'],
  [429, 'QUOTA_EXCEEDED', 'retry'],
  [503, 'UNAVAILABLE', 'retry'],
  [500, 'INTERNAL', 'retry'],
  [401, 'THIRD_PARTY_AUTH_ERROR', 'misconfigured'],
  [401, 'APNS_AUTH_ERROR', 'misconfigured'],
  [401, 'UNAUTHENTICATED', 'misconfigured'],
  [403, 'PERMISSION_DENIED', 'misconfigured'],
  [404, 'NOT_FOUND', 'misconfigured'],
  [429, 'RESOURCE_EXHAUSTED', 'retry'],
  [504, 'DEADLINE_EXCEEDED', 'retry'],
  [409, 'ABORTED', 'retry'],
  [500, 'UNSPECIFIED_ERROR', 'retry'],
];

describe('a response of FCM', () => {
  test.each(TABLE)('%i %s means %s', (status, code, is) => {
    expect(resultOf(status, code)).toMatchObject({ is });
  });

  test.each([
    [302, 'retry'],
    [400, 'rejected'],
    [401, 'misconfigured'],
    [403, 'misconfigured'],
    [404, 'rejected'],
    [429, 'retry'],
    [502, 'retry'],
  ])('%i without a code means %s', (status, is) => {
    expect(resultOf(status)).toMatchObject({ is });
  });

  test('may name the time of the retry; after an exceeded quota it is a minute by default', () => {
    expect(resultOf(503, 'UNAVAILABLE', { retryAfterMs: 7_000 })).toMatchObject({ afterMs: 7_000 });
    expect(resultOf(503, 'UNAVAILABLE')).toMatchObject({ afterMs: undefined });
    expect(resultOf(429, 'QUOTA_EXCEEDED', { retryAfterMs: 7_000 })).toMatchObject({ afterMs: 7_000 });
    expect(resultOf(429, 'QUOTA_EXCEEDED')).toMatchObject({ afterMs: 60_000 });
  });

  test('INVALID_ARGUMENT means that an address is unregistered only when it names the address', () => {
    expect(resultOf(400, 'INVALID_ARGUMENT', { namesAddress: true })).toMatchObject({ is: 'unregistered' });
  });
});

test('an error body is parsed whatever it contains', () => {
  const details = [
    { '@type': 'x' },
    { errorCode: 'UNREGISTERED' },
    { fieldViolations: [{ field: 'message.token' }] },
  ];
  expect(parseFcmError({ error: { status: 'NOT_FOUND', details } })).toEqual({
    code: 'UNREGISTERED',
    fields: ['message.token'],
  });
  expect(parseFcmError({ error: { status: 'NOT_FOUND' } })).toEqual({ code: 'NOT_FOUND', fields: [] });
  expect(parseFcmError({ error: { status: 7, details: [{ errorCode: 8, fieldViolations: 'x' }] } })).toEqual({
    code: undefined,
    fields: [],
  });
  for (const odd of [undefined, null, 'x', 7, [], {}, { error: 'x' }])
    expect(parseFcmError(odd)).toEqual({ code: undefined, fields: [] });
});
