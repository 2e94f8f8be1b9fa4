import { describe, expect, test } from '@jest/globals';
import { type DeviceDelivery, type TimelineEvent, nonDeliveryReason } from './non-delivery-reason.js';

const now = '2026-11-20T12:00:00.000Z';
const event: TimelineEvent = {
  at: '2026-11-20T11:00:00.000Z',
  target: null,
  expiresAt: null,
  superseded: false,
};
const device: DeviceDelivery = {
  deviceId: 'tv',
  state: 0,
  sentAt: null,
  receivedAt: null,
  appliedAt: null,
  seenAt: null,
  registeredAt: '2026-11-19T00:00:00.000Z',
  push: null,
};

describe('why a device did not get an event', () => {
  test.each([
    ['it is for another device', { target: 'phone' }, {}, 'not_for_this_device'],
    ['it was sent to the device, which did not acknowledge it', {}, { state: 1 }, 'not_acknowledged'],
    ['a newer event of its key superseded it', { superseded: true }, {}, 'superseded'],
    ['it expired', { expiresAt: '2026-11-20T11:59:59.999Z' }, {}, 'expired'],
    ['the device was registered later', {}, { registeredAt: '2026-11-20T11:30:00.000Z' }, 'registered_later'],
    ['the device was not connected', {}, {}, 'not_told'],
  ])('%s', (_, eventFields, deviceFields, reason) => {
    expect(nonDeliveryReason({ ...event, ...eventFields }, { ...device, ...deviceFields }, now)).toBe(reason);
  });

  test('needs no reason when the device got it', () => {
    for (const state of [2, 3, 4])
      expect(nonDeliveryReason(event, { ...device, state }, now)).toBeUndefined();
  });
});
