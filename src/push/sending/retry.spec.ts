import { describe, expect, test } from '@jest/globals';
import type { Push } from '../queue/push.js';
import { backoffMs } from '../../platform/sending/backoff.js';
import { toSettlement } from './retry.js';

const now = new Date('2026-11-20T12:00:00Z');
const push = (more: Partial<Push> = {}): Push =>
  ({ attempts: 0, action: 'show', expiresAt: new Date(now.getTime() + 3_600_000), ...more }) as Push;

describe('after a provider’s result', () => {
  test('retries are spread over a time that doubles with each attempt, up to five minutes', () => {
    expect(backoffMs(3, () => 0)).toBe(0);
    expect(backoffMs(3, () => 1)).toBe(8_000);
    expect(backoffMs(40, () => 1)).toBe(300_000);
  });

  test('no retry comes before the time that the provider named', () => {
    const { dueInMs } = toSettlement(push(), { is: 'retry', afterMs: 60_000, reason: 'busy' }, now);
    expect(dueInMs).toBeGreaterThanOrEqual(60_000);
    expect(dueInMs).toBeLessThanOrEqual(61_000);
  });

  test('a push that would expire before its retry has expired', () => {
    const soon = push({ expiresAt: new Date(now.getTime() + 59_000) });
    const result = { is: 'retry', afterMs: 60_000, reason: 'busy' } as const;
    expect(toSettlement(soon, result, now)).toEqual({ state: 'expired', reason: 'busy', tried: 1 });
  });

  test('a push is kept and retried slowly while we are misconfigured, and fails when it is rejected', () => {
    const { state, dueInMs } = toSettlement(push(), { is: 'misconfigured', reason: 'bad_key' }, now);
    expect([state, Number(dueInMs) >= 60_000]).toEqual(['queued', true]);
    expect(toSettlement(push(), { is: 'rejected', reason: 'too_large' }, now)).toMatchObject({
      state: 'failed',
    });
  });

  test('a push that the provider took is delivered, or cleared', () => {
    expect(toSettlement(push(), { is: 'delivered' }, now).state).toBe('delivered');
    expect(toSettlement(push({ action: 'clear' }), { is: 'delivered' }, now).state).toBe('cleared');
  });
});
