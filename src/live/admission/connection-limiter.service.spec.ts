import { describe, expect, test } from '@jest/globals';
import { testConfig } from '../../../test/support/config.js';
import type { LifecycleService } from '../../platform/lifecycle.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { ConnectionLimiterService } from './connection-limiter.service.js';

const limiter = (settings: Record<string, string>) =>
  new ConnectionLimiterService(
    { draining: false } as LifecycleService,
    testConfig(settings),
    new MetricsService(),
  );
/** The code of the refusal; undefined when there is none. */
const codeOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const repeat = (count: number, act: (n: number) => unknown) =>
  Array.from({ length: count }, (_, n) => codeOf(() => act(n)));

describe('the limits of connects', () => {
  test('bad tokens use up only what is their address’s, and none of what all devices share', () => {
    const limits = limiter({ CONNECTS_PER_ADDRESS: '1', CONNECTS_PER_SECOND: '10' });
    const attempts = repeat(50, () => limits.checkAttempt('bad'));
    expect(attempts.filter((code) => code === 'rate_limited').length).toBeGreaterThanOrEqual(39);
    expect(codeOf(() => limits.checkAttempt('good'))).toBeUndefined();
    expect(new Set(repeat(20, (n) => limits.admit(`user ${n}`)))).toEqual(new Set([undefined]));
  });

  test('good ones cost their address nothing', () => {
    const limits = limiter({ CONNECTS_PER_ADDRESS: '1' });
    const attempts = repeat(50, () => {
      limits.checkAttempt('office');
      limits.giveBack('office');
    });
    expect(new Set(attempts)).toEqual(new Set([undefined]));
  });

  test('one user uses up only its own, and nobody more than the node admits', () => {
    const limits = limiter({ CONNECTS_PER_USER: '1', CONNECTS_PER_SECOND: '100' });
    expect(repeat(12, () => limits.admit('eve')).slice(10)).toContain('rate_limited');
    const others = repeat(400, (n) => limits.admit(`user ${n}`));
    expect(others[0]).toBeUndefined();
    expect(others.at(-1)).toBe('overload');
  });

  test('a user and an address have no more event streams at once than they may', () => {
    const limits = limiter({ EVENT_STREAMS_PER_USER: '2', EVENT_STREAMS_PER_ADDRESS: '3' });
    const close = limits.openStream('eve', 'a');
    limits.openStream('eve', 'a');
    expect(codeOf(() => limits.openStream('eve', 'b'))).toBe('rate_limited');
    limits.openStream('bob', 'a');
    expect(codeOf(() => limits.openStream('bob', 'a'))).toBe('rate_limited');
    close();
    expect(codeOf(() => limits.openStream('bob', 'a'))).toBeUndefined();
    expect(codeOf(() => limits.openStream('eve', 'b'))).toBeUndefined();
  });
});
