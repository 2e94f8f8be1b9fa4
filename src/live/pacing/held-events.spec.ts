import { describe, expect, test } from '@jest/globals';
import { EncodedEvent, type OutgoingEvent } from '../../mailbox/events/outgoing-event.js';
import { noteAt } from '../../../test/support/note.js';
import { HeldEvents, jitterOf, SLOT_MS } from './held-events.js';

const NOW = 123_456;
const WITHIN_MS = 10_000;
const users = Array.from({ length: 1_000 }, (_, n) => `user-${n}`);
const BODY = 'x'.repeat(1_000);
const eventOf = (userId: string): OutgoingEvent => ({
  userId,
  event: EncodedEvent.fromNode(noteAt(1), BODY),
});

function held(capacity = 2 * users.length, maxLength = Infinity) {
  const events = new HeldEvents(capacity, maxLength);
  for (const userId of users) events.hold(eventOf(userId), WITHIN_MS, NOW);
  return events;
}

describe('the time at which a user is told', () => {
  test('is the same wherever it is asked for, and those of many are spread evenly', () => {
    const tenths = Array<number>(10).fill(0);
    for (const userId of users) (tenths[Math.floor(jitterOf(userId) * 10)] as number) += 1;
    for (const count of tenths) expect(count).toBeGreaterThan(60);
    expect(jitterOf('user-1')).toBe(jitterOf('user-1'));
  });

  test('comes once, within the time, in the order of the turns', () => {
    const events = held();
    const order: string[] = [];
    for (let now = NOW; now <= NOW + WITHIN_MS; now += 250)
      for (const userId of events.takeDueUsers(now)) {
        order.push(userId);
        expect(events.take(userId)).toEqual([eventOf(userId)]);
      }
    expect([...order].sort()).toEqual([...users].sort());
    expect(events.size).toBe(0);
    const [first, last] = [order[0], order.at(-1)] as [string, string];
    expect(jitterOf(first)).toBeLessThan(jitterOf(last));
  });
});

describe('held events', () => {
  test('of one user are taken together, in their order, and early if something else goes to the user', () => {
    const events = held();
    const second = eventOf('user-7');
    events.hold(second, 60_000, NOW + 1);
    expect(events.take('user-7')).toEqual([eventOf('user-7'), second]);
    expect(events.take('user-7')).toEqual([]);
    expect(events.takeDueUsers(NOW + WITHIN_MS)).not.toContain('user-7');
  });

  test('that were taken early do not shorten the time of the next ones', () => {
    const events = held();
    events.take('user-7');
    events.hold(eventOf('user-7'), 10 * WITHIN_MS, NOW + WITHIN_MS / 2);
    expect(events.takeDueUsers(NOW + WITHIN_MS)).not.toContain('user-7');
    expect(events.takeDueUsers(NOW + 11 * WITHIN_MS)).toEqual(['user-7']);
  });

  test('are told although their moment is in a slot that has just been looked at', () => {
    const events = held();
    const told: string[] = [];
    const look = (now: number) => told.push(...events.takeDueUsers(now));
    look(NOW);
    for (const userId of users) events.hold(eventOf(`${userId} later`), WITHIN_MS, NOW + 1);
    look(NOW + WITHIN_MS + SLOT_MS);
    expect(new Set(told).size).toBe(2 * users.length);
  });

  test('are bounded', () => {
    expect(held(10).size).toBe(10);
    expect(held(10).hold(eventOf('one more'), WITHIN_MS, NOW)).toBe(false);
  });

  test('are bounded by the memory that they take, too: the titles of a page may be of any size', () => {
    const events = held(users.length, 10 * BODY.length);
    expect(events.size).toBe(10);
    events.take('user-7');
    expect(events.hold(eventOf('user-7'), WITHIN_MS, NOW)).toBe(true);
    expect(events.hold(eventOf('one more'), WITHIN_MS, NOW)).toBe(false);
  });
});
