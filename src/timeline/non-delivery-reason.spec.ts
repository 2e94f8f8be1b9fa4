import { describe, expect, test } from '@jest/globals';
import { explain } from './explanations/explain-delivery.js';
import {
  type DeviceDelivery,
  NON_DELIVERY_REASONS,
  nonDeliveryReason,
  type PushOutcome,
  type TimelineEvent,
} from './non-delivery-reason.js';

const now = '2026-11-20T12:00:00.000Z';
const event: TimelineEvent = {
  at: '2026-11-20T11:00:00.000Z',
  tier: 'important',
  type: 'note.added',
  key: 'note',
  target: null,
  expiresAt: null,
  superseded: false,
  supersededBy: null,
  isPushAllowed: true,
  isPushedType: true,
};
const device: DeviceDelivery = {
  deviceId: 'tv',
  state: 0,
  sentAt: null,
  receivedAt: null,
  appliedAt: null,
  seenAt: null,
  registeredAt: '2026-11-19T00:00:00.000Z',
  lastSeenAt: '2026-11-20T10:00:00.000Z',
  pushKind: 'fcm_token',
  isStale: false,
  push: null,
};
const queued: PushOutcome = {
  vendor: 'fcm',
  state: 'queued',
  reason: null,
  attempts: 0,
  queuedAt: event.at,
  dueAt: '2026-11-20T12:05:00.000Z',
  settledAt: null,
  pausedAt: null,
};
const pushed = (changes: Partial<PushOutcome>) => ({ push: { ...queued, ...changes } });
const settled = (state: string, reason: string | null = null) =>
  pushed({ state, reason, settledAt: '2026-11-20T11:30:00.000Z' });

type Case = [title: string, event: Partial<TimelineEvent>, device: Partial<DeviceDelivery>, reason: string];
const CASES: Case[] = [
  ['the device is none of the user’s', {}, { registeredAt: null }, 'not_a_device_of_the_user'],
  ['it is for another device', { target: 'phone' }, {}, 'not_for_this_device'],
  ['it was sent to the device, which did not acknowledge it', {}, { state: 1 }, 'not_acknowledged'],
  ['a newer event of its key superseded it', { superseded: true }, {}, 'superseded'],
  ['it expired', { expiresAt: '2026-11-20T11:59:59.999Z' }, {}, 'expired'],
  ['the device was registered later', {}, { registeredAt: '2026-11-20T11:30:00.000Z' }, 'registered_later'],
  ['pushes are paused', {}, pushed({ pausedAt: now, reason: 'circuit_open' }), 'push_paused'],
  ['the user does not want such pushes', { isPushAllowed: false }, {}, 'preference'],
  ['it waits for the end of quiet hours', {}, pushed({ reason: 'quiet_hours' }), 'quiet_hours'],
  ['the quiet hours end too late', {}, settled('expired', 'quiet_hours'), 'quiet_hours'],
  ['the device plays something', {}, pushed({ reason: 'playing' }), 'playing'],
  ['it was seen elsewhere', {}, settled('withdrawn', 'seen_elsewhere'), 'seen_elsewhere'],
  ['the device is stale', {}, { isStale: true }, 'stale_device'],
  ['the device has lost its address', {}, settled('withdrawn', 'device_changed'), 'no_address'],
  ['the provider no longer knows the address', {}, settled('gone', 'UNREGISTERED'), 'address_gone'],
  ['another user signed in on the device', {}, settled('withdrawn', 'address_moved'), 'address_moved'],
  ['the device’s budget is used up', {}, pushed({ reason: 'device_budget' }), 'device_budget'],
  ['the circuit is open', {}, pushed({ reason: 'circuit_open' }), 'circuit_open'],
  ['the provider did not take it so far', {}, pushed({ reason: 'UNAVAILABLE' }), 'push_failing'],
  ['the provider refused it', {}, settled('failed', 'PayloadTooLarge'), 'push_failed'],
  ['the push expired', {}, settled('expired', 'UNAVAILABLE'), 'push_expired'],
  ['the push waits for its turn', {}, { push: queued }, 'push_waiting'],
  ['only a push reached it', {}, settled('delivered'), 'pushed'],
  ['the device was not connected', {}, { pushKind: null }, 'not_told'],
];

describe('why a device did not get an event', () => {
  test.each(CASES)('%s', (_, eventFields, deviceFields, reason) => {
    expect(nonDeliveryReason({ ...event, ...eventFields }, { ...device, ...deviceFields }, now)).toBe(reason);
  });

  test('needs no reason when the device got it', () => {
    for (const state of [2, 3, 4])
      expect(nonDeliveryReason(event, { ...device, state }, now)).toBeUndefined();
  });

  test('a critical event is not held back by what the user prefers', () => {
    expect(nonDeliveryReason({ ...event, tier: 'critical', isPushAllowed: false }, device, now)).toBe(
      'not_told',
    );
  });
});

describe('an explanation', () => {
  const explanationOf = (eventFields: Partial<TimelineEvent>, deviceFields: Partial<DeviceDelivery>) => {
    const [of, to] = [
      { ...event, ...eventFields },
      { ...device, ...deviceFields },
    ];
    return explain({ event: of, device: to, why: nonDeliveryReason(of, to, now), now, ackMs: 10_000 });
  };

  test('there is one of its own for each reason, in whole sentences, with nothing left out', () => {
    expect(new Set(CASES.map(([, , , reason]) => reason))).toEqual(new Set(NON_DELIVERY_REASONS));
    const all = CASES.map(([, of, to]) => explanationOf(of, to));
    expect(new Set(all).size).toBe(CASES.length);
    for (const text of all) {
      expect(text).toMatch(/^[A-Z].*\.$/);
      expect(text).not.toMatch(/undefined|null|\$\{|\(\)| {2}/);
    }
  });

  test('tells when a push is tried again, or that it is due', () => {
    const soon = { reason: 'circuit_open', dueAt: '2026-11-20T11:59:00.000Z' };
    expect(explanationOf({}, pushed({ reason: 'circuit_open' }))).toContain(
      'again at 2026-11-20 12:05:00 UTC',
    );
    expect(explanationOf({}, pushed(soon))).toContain('again within seconds');
  });

  test('blames nothing while an acknowledgement may still come', () => {
    expect(explanationOf({ at: '2026-11-20T11:59:55.000Z' }, {})).toContain('a moment ago');
    expect(explanationOf({}, {})).not.toContain('a moment ago');
  });

  test('of a superseded event tells what became of its push, too', () => {
    expect(explanationOf({ superseded: true }, settled('withdrawn', 'superseded'))).toContain(
      'Its push by fcm was not sent (superseded).',
    );
  });

  test('of one that a device got tells how fast; not when only receipts are left, whose time is not its own', () => {
    const received = { state: 2, receivedAt: '2026-11-20T11:00:00.120Z' };
    expect(explanationOf({}, received)).toContain('It arrived after 120 ms.');
    expect(explanationOf({ tier: null }, received)).toContain('It arrived.');
  });
});
