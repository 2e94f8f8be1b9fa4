import { describe, expect, test } from '@jest/globals';
import type { SendResult } from '../push-provider.js';
import { toWebPushResult } from './webpush-result.js';

const TABLE: [status: number, is: SendResult['is']][] = [
  [200, 'delivered'],
  [201, 'delivered'],
  [202, 'delivered'],
  [204, 'delivered'],
  [301, 'sender_fault'],
  [307, 'sender_fault'],
  [400, 'sender_fault'],
  [401, 'our_fault'],
  [403, 'our_fault'],
  [404, 'gone'],
  [406, 'again'],
  [408, 'again'],
  [410, 'gone'],
  [413, 'sender_fault'],
  [429, 'again'],
  [500, 'again'],
  [502, 'again'],
  [503, 'again'],
  [504, 'again'],
];

describe('a push service says', () => {
  test.each(TABLE)('%i: %s', (status, is) => {
    expect(toWebPushResult(status, undefined)).toMatchObject({ is });
  });

  test.each([406, 429, 500, 503])('%i, and when to come back', (status) => {
    expect(toWebPushResult(status, 7_000)).toMatchObject({ is: 'again', afterMs: 7_000 });
  });
});
