import { describe, expect, test } from '@jest/globals';
import { NODE_LANES } from '../../platform/redis/keys.js';
import { MessageLossDetector } from './message-loss-detector.js';

/** A detector to which the canaries of all lanes came back at `now`. */
function detector(now = 0): { loss: MessageLossDetector; canaries: (at: number) => void } {
  const loss = new MessageLossDetector();
  const canaries = (at: number) => NODE_LANES.forEach((lane) => loss.received(lane, at));
  canaries(now);
  return { loss, canaries };
}

describe('messages between nodes may have been lost', () => {
  test('when no canary came back on one lane for three seconds', () => {
    const { loss } = detector();
    expect(loss.check(3_000)).toBe(false);
    loss.received('critical', 3_001);
    expect(loss.check(3_001)).toBe(true);
    expect(loss.suspectsLoss).toBe(true);
    loss.received('other', 3_002);
    expect(loss.check(3_003)).toBe(false);
    expect(loss.suspectsLoss).toBe(false);
  });

  test('when a connection ended: until something is received, and once more if it was back before the check', () => {
    const { loss } = detector();
    loss.connectionEnded('other');
    expect([loss.check(1), loss.check(2)]).toEqual([true, true]);
    loss.received('other', 3);
    expect(loss.check(3)).toBe(false);
    loss.connectionEnded('critical');
    loss.received('critical', 4);
    expect([loss.check(4), loss.suspectsLoss, loss.check(5)]).toEqual([true, false, false]);
  });

  test('when one failed', () => {
    const { loss } = detector();
    loss.messageFailed();
    expect([loss.check(1), loss.check(2)]).toEqual([true, false]);
  });
});

test('subscriptions that are silent for seven seconds are connected again, once in seven seconds', () => {
  const { loss, canaries } = detector();
  const attempts = [7_000, 7_001, 14_001, 14_002].map((at) => loss.mustReconnect(at));
  expect(attempts).toEqual([false, true, false, true]);
  canaries(15_000);
  expect(loss.mustReconnect(22_000)).toBe(false);
});
