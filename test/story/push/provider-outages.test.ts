import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { noteFor, registerPhone, waitForPushState } from '../../support/drivers/phone.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1' });
});
afterAll(() => usher.stop());

const devicesOf = async (userId: string) =>
  (await usher.callAs(userId, 'GET', '/v1/me/devices')).body.devices as {
    deviceId: string;
    push: unknown;
  }[];

describe('a push provider', () => {
  test('that is unavailable for a while loses no notification and shows none twice', async () => {
    const devices = await Promise.all([1, 2, 3].map((n) => registerPhone(usher, 'ann', `ann-${n}`)));
    await Promise.all(devices.map((one) => one.setProviderOutcome({ is: 'retry', reason: 'unavailable' })));
    await usher.backOffice.publish([noteFor('ann'), noteFor('ann')]);
    await Promise.all(devices.map((one) => one.waitForPushes(3))); // each was retried
    await Promise.all(devices.map((one) => one.setProviderOutcome(null)));
    for (const one of devices) {
      const { notes, arrived } = await one.waitForNotifications(2);
      expect(new Set(notes.map(({ id }) => id)).size).toBe(2);
      expect(arrived.filter(({ result }) => result === 'delivered')).toHaveLength(2);
    }
  });

  test('that returns a Retry-After is not called before that time', async () => {
    const phone = await registerPhone(usher, 'ben', 'ben-phone');
    await phone.setProviderOutcome({ is: 'retry', afterMs: 1_500, reason: 'too_many_requests' });
    await usher.backOffice.publish([noteFor('ben')]);
    await phone.waitForPushes(1);
    await phone.setProviderOutcome(null);
    const { arrived } = await phone.waitForNotifications(1);
    const [second, first] = arrived.map(({ at }) => Date.parse(at));
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(1_500);
  });

  test('that reports a dead address: the address is deleted, and nothing is sent to it any more', async () => {
    const phone = await registerPhone(usher, 'cem', 'cem-phone');
    await phone.setProviderOutcome({ is: 'unregistered', reason: 'unregistered' });
    await usher.backOffice.publish([noteFor('cem')]);
    await waitForPushState(usher, 'cem-phone', 'gone', 'unregistered');
    expect(await devicesOf('cem')).toEqual([expect.objectContaining({ deviceId: 'cem-phone', push: null })]);
    await usher.backOffice.publish([noteFor('cem')]);
    expect((await phone.lockScreen()).arrived).toHaveLength(1);
  });

  test('that reports as dead an address that was registered again since: the address is kept', async () => {
    const phone = await registerPhone(usher, 'dora', 'dora-phone');
    await phone.setProviderOutcome({
      is: 'unregistered',
      since: new Date(Date.now() - 60_000).toISOString(),
      reason: 'unregistered',
    });
    await usher.backOffice.publish([noteFor('dora')]);
    await phone.waitForPushes(1);
    await phone.setProviderOutcome(null);
    await phone.waitForNotifications(1);
    expect(await devicesOf('dora')).toEqual([expect.objectContaining({ push: { kind: 'fcm_token' } })]);
  });

  test('that rejects a message is not called again for it; one that rejects our credentials is, later', async () => {
    const phone = await registerPhone(usher, 'eli', 'eli-phone');
    await phone.setProviderOutcome({ is: 'rejected', reason: 'too_large' });
    await usher.backOffice.publish([noteFor('eli')]);
    await waitForPushState(usher, 'eli-phone', 'failed', 'too_large');
    const ours = await registerPhone(usher, 'fay', 'fay-phone');
    await ours.setProviderOutcome({ is: 'misconfigured', reason: 'bad_credentials' });
    await usher.backOffice.publish([noteFor('fay')]);
    await waitForPushState(usher, 'fay-phone', 'queued', 'bad_credentials');
    expect((await ours.lockScreen()).arrived).toHaveLength(1);
  });

  test('is not called for an event that expires first', async () => {
    const phone = await registerPhone(usher, 'gus', 'gus-phone');
    await phone.setProviderOutcome({ is: 'retry', afterMs: 60_000, reason: 'busy' });
    await usher.backOffice.publish([
      noteFor('gus', { expiresAt: new Date(Date.now() + 30_000).toISOString() }),
    ]);
    await waitForPushState(usher, 'gus-phone', 'expired', 'busy');
  });
});

describe('the push forecast', () => {
  test('returns how many pushes wait for each provider and when they will be sent, to admins only', async () => {
    const { status, body } = await usher.backOffice.call('GET', '/v1/push/forecast');
    expect(status).toBe(200);
    const fcm = (body.vendors as Record<string, unknown>[]).find(({ vendor }) => vendor === 'fcm');
    expect(fcm).toMatchObject({ perSecond: 10_000, waiting: { critical: 0, important: 0 }, seconds: 0 });
    expectProblem(await usher.callAs('ann', 'GET', '/v1/push/forecast'), 401, 'unauthorized');
  });
});
