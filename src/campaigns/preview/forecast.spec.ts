import { expect, test } from '@jest/globals';
import { countedMembers, type ForecastMember, forecastRates } from './forecast.js';

const member = (of: Partial<ForecastMember>): ForecastMember => ({
  weight: 1_000,
  channel: undefined,
  reason: undefined,
  addressKinds: [],
  ...of,
});
const FCM = { name: 'fcm', addressKinds: ['fcm_token'], perSecond: 100, waiting: 500 };
const MAIL = { name: 'email', addressKinds: [], perSecond: 10, waiting: 0 };
const SMS = { name: 'sms', addressKinds: [], perSecond: 0, waiting: 0 };

test('each member of the sample counts for as many as it stands for', () => {
  const members = [
    member({ channel: 'push' }),
    member({ channel: 'push' }),
    member({ channel: 'email', weight: 10.4 }),
    member({ reason: 'no_address' }),
  ];
  expect(countedMembers(members)).toEqual({
    queued: { push: 2_000, email: 10 },
    skipped: { no_address: 1_000 },
  });
});

test('a way takes as long as its rate says, after what waits already; a push goes to each device', () => {
  const members = [
    member({ channel: 'push', addressKinds: ['fcm_token', 'fcm_token', 'apns_token'] }),
    member({ channel: 'email' }),
  ];
  expect(forecastRates(members, [FCM, MAIL, SMS])).toEqual([
    { name: 'fcm', messages: 2_000, perSecond: 100, seconds: 25 },
    { name: 'email', messages: 1_000, perSecond: 10, seconds: 100 },
  ]);
});

test('a way that is not configured is never through', () => {
  expect(forecastRates([member({ channel: 'sms' })], [SMS])).toEqual([
    { name: 'sms', messages: 1_000, perSecond: 0, seconds: null },
  ]);
});
