import { describe, expect, test } from '@jest/globals';
import { OutageAwareTimeout } from './outage-aware-timeout.js';

describe('the timeout of a query', () => {
  let now = 1_000_000;
  const create = () => new OutageAwareTimeout(100, () => now);

  test('is the normal one while PostgreSQL answers', () => {
    const timeout = create();
    expect(timeout.timeoutMs(1_500)).toBe(1_500);
    timeout.recordSuccess();
    expect(timeout.timeoutMs(1_500)).toBe(1_500);
  });

  test('is short for five seconds after each outage, then normal again', () => {
    const timeout = create();
    timeout.recordOutage();
    now += 4_999;
    expect(timeout.timeoutMs(1_500)).toBe(100);
    timeout.recordOutage();
    now += 4_999;
    expect(timeout.timeoutMs(1_500)).toBe(100);
    now += 1;
    expect(timeout.timeoutMs(1_500)).toBe(1_500);
  });

  test('is normal as soon as a query succeeds', () => {
    const timeout = create();
    timeout.recordOutage();
    timeout.recordSuccess();
    expect(timeout.timeoutMs(1_500)).toBe(1_500);
  });
});
