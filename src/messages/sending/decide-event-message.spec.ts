import { expect, test } from '@jest/globals';
import type { Preferences } from '../../devices/preferences/preferences.schema.js';
import { decideEventMessage, type MessageOfEvent } from './decide-event-message.js';

/** 23:30 in Berlin. */
const NOW = new Date('2026-11-26T22:30:00Z');
const AT_NIGHT: Preferences = {
  categories: {},
  quietHours: { start: '22:00', end: '07:00' },
  oneDeviceIsEnough: false,
};

const messageOf = (
  event: Partial<MessageOfEvent['event']>,
  more: Partial<MessageOfEvent> = {},
): MessageOfEvent => ({
  channel: 'sms',
  laterChannels: [],
  tier: 'important',
  attempts: 0,
  expiresAt: new Date('2026-11-28T00:00:00Z'),
  ...more,
  event: {
    id: '1',
    type: 'promo.started',
    isFallback: true,
    superseded: false,
    data: {},
    preferences: null,
    rank: 0,
    timezone: 'Europe/Berlin',
    locale: null,
    ...event,
  },
});

test('a message that follows a push waits until quiet hours are over, where the user is', () => {
  const decision = decideEventMessage(messageOf({ preferences: AT_NIGHT }), NOW);
  expect(decision).toEqual({ state: 'queued', reason: 'quiet_hours', dueInMs: 7.5 * 3_600_000 });
  expect(decideEventMessage(messageOf({ preferences: AT_NIGHT, timezone: 'Asia/Tokyo' }), NOW)).toBe('send');
});

test('it is not sent when it would expire in quiet hours', () => {
  const expiresAt = new Date('2026-11-27T03:00:00Z');
  expect(decideEventMessage(messageOf({ preferences: AT_NIGHT }, { expiresAt }), NOW)).toMatchObject({
    state: 'withdrawn',
    reason: 'expired',
  });
});

test('a critical one waits for nothing but a receipt', () => {
  const critical = { tier: 'critical' } as const;
  expect(decideEventMessage(messageOf({ preferences: AT_NIGHT }, critical), NOW)).toBe('send');
  expect(decideEventMessage(messageOf({ rank: 2 }, critical), NOW)).toMatchObject({ reason: 'received' });
});
