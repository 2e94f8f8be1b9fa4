import { expect, test } from '@jest/globals';
import { networkErrorResult, retryAfterMs } from './send-result.js';

const NOW = Date.UTC(2026, 10, 20, 12);

test.each([
  ['7', 7_000],
  [' 0 ', 0],
  ['Fri, 20 Nov 2026 12:01:00 GMT', 60_000],
  ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
  ['99999999', 86_400_000],
  [['7', '9'], 7_000],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After: %j means %j ms', (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms);
});

test.each([
  [Object.assign(new Error('connect 10.0.0.1'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  [
    new Error('outer', { cause: Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' }) }),
    'CERT_HAS_EXPIRED',
  ],
  [Object.assign(new Error('x'), { code: 'app/network-error', cause: { code: 'ECONNRESET' } }), 'ECONNRESET'],
  [Object.assign(new Error('x'), { code: 'UND_ERR_HEADERS_TIMEOUT' }), 'deadline'],
  [new DOMException('x', 'TimeoutError'), 'deadline'],
  [new Error('no answer from https://push.example/secret-token'), 'network'],
  ['secret-token', 'network'],
])('the network error %p means retry, and its text is not repeated', (error, reason) => {
  expect(networkErrorResult(error)).toEqual({ is: 'retry', afterMs: undefined, reason });
});
