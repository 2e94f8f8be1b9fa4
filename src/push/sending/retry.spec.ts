import { describe, expect, test } from '@jest/globals';
import type { Push } from '../queue/push.js';
import { backoffMs, toSettlement } from './retry.js';

const now = new Date('2026-11-20T12:00:00Z');
const push = (more: Partial<Push> = {}): Push =>
  ({ attempts: 0, action: 'show', expiresAt: new Date(now.getTime() + 3_600_000), ...more }) as Push;

describe('after a vendor’s verdict', () => {
  test('retries are spread over all of a time that doubles, up to five minutes', () => {
    expect(backoffMs(3, () => 0)).toBe(0);
    expect(backoffMs(3, () => 1)).toBe(8_000);
    expect(backoffMs(40, () => 1)).toBe(300_000);
  });

  test('the time that the vendor names is never undercut', () => {
    const { dueInMs } = toSettlement(push(), { is: 'again', afterMs: 60_000, reason: 'busy' }, now);
    expect(dueInMs).toBeGreaterThanOrEqual(60_000);
    expect(dueInMs).toBeLessThanOrEqual(61_000);
  });

  test('what would be tried again too late has expired', () => {
    const soon = push({ expiresAt: new Date(now.getTime() + 59_000) });
    const verdict = { is: 'again', afterMs: 60_000, reason: 'busy' } as const;
    expect(toSettlement(soon, verdict, now)).toEqual({ state: 'expired', reason: 'busy', tried: 1 });
  });

  test('our own fault is kept and tried slowly, the sender’s ends it', () => {
    const { state, dueInMs } = toSettlement(push(), { is: 'our_fault', reason: 'bad_key' }, now);
    expect([state, Number(dueInMs) >= 60_000]).toEqual(['queued', true]);
    expect(toSettlement(push(), { is: 'sender_fault', reason: 'too_large' }, now)).toMatchObject({
      state: 'failed',
    });
  });

  test('what was taken is delivered, or cleared', () => {
    expect(toSettlement(push(), { is: 'delivered' }, now).state).toBe('delivered');
    expect(toSettlement(push({ action: 'clear' }), { is: 'delivered' }, now).state).toBe('cleared');
  });
});
