import { describe, expect, test } from '@jest/globals';
import type { SendResult } from '../../../platform/sending/send-result.js';
import { toWebPushResult } from './webpush-result.js';

const TABLE: [status: number, is: SendResult['is']][] = [
  [200, 'delivered'],
  [201, 'delivered'],
  [202, 'delivered'],
  [204, 'delivered'],
  [301, 'rejected'],
  [307, 'rejected'],
  [400, 'rejected'],
  [401, 'misconfigured'],
  [403, 'misconfigured'],
  [404, 'unregistered'],
  [406, 'retry'],
  [408, 'retry'],
  [410, 'unregistered'],
  [413, 'rejected'],
  [429, 'retry'],
  [500, 'retry'],
  [502, 'retry'],
  [503, 'retry'],
  [504, 'retry'],
];

describe('a response of a push service', () => {
  test.each(TABLE)('%i means %s', (status, is) => {
    expect(toWebPushResult(status, undefined)).toMatchObject({ is });
  });

  test.each([406, 429, 500, 503])('%i means retry, after the time that it names', (status) => {
    expect(toWebPushResult(status, 7_000)).toMatchObject({ is: 'retry', afterMs: 7_000 });
  });
});
