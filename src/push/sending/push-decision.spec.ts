import { describe, expect, test } from '@jest/globals';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import { decide } from './push-decision.js';
import type { Push } from '../queue/push.js';

const now = new Date('2026-11-20T23:00:00Z');
const context = { now, playing: false, heartbeatMs: 60_000 };
const preferences = (given: Partial<Preferences>): Preferences => ({
  categories: {},
  quietHours: null,
  oneDeviceIsEnough: false,
  ...given,
});
const push = (more: Partial<Push> = {}): Push => ({
  userId: 'ann',
  deviceId: 'ann-phone',
  eventId: 'id',
  key: 'key',
  type: 'note.written',
  tier: 'important',
  epoch: 'epoch',
  offset: 1,
  action: 'show',
  attempts: 0,
  expiresAt: new Date(now.getTime() + 86_400_000),
  target: { kind: 'apns', address: 'address' },
  locale: null,
  timezone: null,
  stale: false,
  superseded: false,
  data: {},
  preferences: null,
  rank: 0,
  rankElsewhere: 0,
  unseen: 0,
  ...more,
});
const quiet = preferences({ quietHours: { start: '22:00', end: '07:00' } });

describe('a push that is due', () => {
  test('is sent', () => expect(decide(push(), context)).toBe('send'));

  test.each([
    ['the device has no address', { target: null }, 'withdrawn', 'no_address'],
    ['it has expired', { expiresAt: now }, 'expired', 'too_late'],
    ['a newer event has replaced it', { superseded: true }, 'withdrawn', 'superseded'],
    ['the device has received it meanwhile', { rank: 2 }, 'withdrawn', 'received'],
    ['the device was not seen for long', { stale: true }, 'withdrawn', 'stale_device'],
    [
      'it was seen elsewhere and one device is enough',
      { rankElsewhere: 4, preferences: preferences({ oneDeviceIsEnough: true }) },
      'withdrawn',
      'seen_elsewhere',
    ],
    ...(['digest', 'off'] as const).map(
      (delivery) =>
        [
          `its category's delivery is ${delivery}`,
          { preferences: preferences({ categories: { note: { delivery, channels: { push: true } } } }) },
          'withdrawn',
          'preference',
        ] as const,
    ),
    [
      'its category is off',
      { preferences: preferences({ categories: { note: { channels: { push: false } } } }) },
      'withdrawn',
      'preference',
    ],
    [
      'it is a recommendation and the user has not opted in',
      { type: 'recommendations.ready' },
      'withdrawn',
      'preference',
    ],
    [
      'it expires before the quiet hours end',
      { preferences: quiet, expiresAt: new Date('2026-11-21T07:00:00Z') },
      'expired',
      'quiet_hours',
    ],
  ] as const)('is not sent when %s', (_, more, state, reason) => {
    expect(decide(push(more), context)).toMatchObject({ state, reason });
  });

  test.each([
    ['was written to a socket, but never acknowledged', { rank: 1 }],
    ['was seen elsewhere, where one device is not enough', { rankElsewhere: 4 }],
    [
      'is critical, whatever the hour and the preference',
      {
        tier: 'critical',
        stale: true,
        preferences: preferences({ ...quiet, categories: { note: { channels: { push: false } } } }),
      },
    ],
    [
      'is in a category without quiet hours',
      { preferences: preferences({ ...quiet, categories: { note: { quietHours: null } } }) },
    ],
    ['removes a notification', { action: 'clear', rank: 4, superseded: true }],
  ] as const)('is sent when it %s', (_, more) => {
    expect(decide(push(more as Partial<Push>), context)).toBe('send');
  });

  test('waits for the end of the quiet hours, by the device’s clock', () => {
    expect(decide(push({ preferences: quiet }), context)).toMatchObject({
      state: 'queued',
      dueInMs: 8 * 3_600_000,
    });
    expect(decide(push({ preferences: quiet, timezone: 'Asia/Tokyo' }), context)).toBe('send'); // eight in the morning
  });

  test('waits for one heartbeat interval while the device plays', () => {
    expect(decide(push(), { ...context, playing: true })).toMatchObject({ state: 'queued', dueInMs: 60_000 });
    expect(decide(push({ tier: 'critical' }), { ...context, playing: true })).toBe('send');
  });
});
