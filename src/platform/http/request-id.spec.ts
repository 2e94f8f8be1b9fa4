import { describe, expect, test } from '@jest/globals';
import { chooseRequestId } from './request-id.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const idFor = (headers: Record<string, string>) => chooseRequestId({ headers });
const MADE = /^[0-9a-f]{16}-[0-9a-z]+$/;

describe('the id of a request', () => {
  test.each(['a', 'checkout-7', 'Root=1-67891233-abcdef012345678912345678', 'x'.repeat(128)])(
    'is the one that the caller gave: %s',
    (id) => expect(idFor({ 'x-request-id': id, traceparent: `00-${TRACE}-${SPAN}-01` })).toBe(id),
  );

  test.each(['', ' ', 'two words', 'x'.repeat(129), 'a, b', 'a"b', 'a\u00e9', '<b>', '{}', 'a%0Ab'])(
    'is made if what the caller gave is not safe to repeat: %j',
    (id) => expect(idFor({ 'x-request-id': id })).toMatch(MADE),
  );

  test.each([`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-00`, `cc-${TRACE}-${SPAN}-01-what-comes-later`])(
    'is the trace id if only a trace is given: %s',
    (traceparent) => {
      expect(idFor({ traceparent })).toBe(TRACE);
      expect(idFor({ traceparent, 'x-request-id': 'not safe' })).toBe(TRACE);
    },
  );

  test.each([
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}`,
    TRACE,
  ])('is made if the trace is not valid: %s', (traceparent) => {
    expect(idFor({ traceparent })).toMatch(MADE);
  });

  test('is another one for each request that brings none', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => idFor({}))).size).toBe(1_000);
  });
});
