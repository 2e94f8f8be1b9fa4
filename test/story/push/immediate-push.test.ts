import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { noteFor, pushStates, registerPhone } from '../../support/drivers/phone.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';

let usher: TestUsher;
beforeAll(async () => {
  // So long that a push within a test cannot come from the fallback.
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '60' });
});
afterAll(() => usher.stop());

test('a critical event is pushed at once to a user without a connected device', async () => {
  const phone = await registerPhone(usher, 'ann', 'ann-phone');
  await usher.backOffice.publish([noteFor('ann')]);
  const { notes, badge } = await phone.waitForNotifications(1);
  expect(notes).toEqual([expect.objectContaining({ title: 'Hello', body: 'You have a note.' })]);
  expect(badge).toBe(1);
  const { body } = await usher.backOffice.call('GET', '/v1/users/ann/timeline');
  expect(body.timeline).toMatchObject([
    { step: 'event', devices: [{ deviceId: phone.id, state: 'none', push: { state: 'delivered' } }] },
  ]);
});

test('a critical event is pushed at once to the disconnected devices of a user who has a connected one', async () => {
  const phone = await registerPhone(usher, 'dora', 'dora-phone');
  const awake = await registerPhone(usher, 'dora', 'dora-tablet');
  const tablet = await usher.device('dora', 'dora-tablet');
  await usher.backOffice.publish([noteFor('dora')]);
  await phone.waitForNotifications(1);
  await tablet.waitFor('note.written');
  expect(await pushStates(usher, awake.id)).toEqual([]);
});
