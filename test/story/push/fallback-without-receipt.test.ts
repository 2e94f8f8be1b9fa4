import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectDevice } from '../../support/drivers/device.js';
import { noteFor, pushStates, registerPhone, waitForPushState } from '../../support/drivers/phone.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { type FaultProxy, faultProxy } from '../../support/infrastructure/fault-proxy.js';

let usher: TestUsher;
let proxy: FaultProxy;
beforeAll(async () => {
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1' });
  proxy = await faultProxy({ host: '127.0.0.1', port: Number(new URL(usher.url).port) });
});
afterAll(async () => {
  await usher.stop();
  await proxy.close();
});

/** Waits until the fallback has handled every committed event. */
const waitForFallback = () =>
  eventually(
    'the fallback handled every event',
    async () => (await usher.database.query("SELECT 1 FROM handoff WHERE consumer = 'push'")).length === 0,
  );

describe('a device', () => {
  test('without a connection receives one push for a critical event, and no second one by the fallback', async () => {
    const phone = await registerPhone(usher, 'ann', 'ann-phone');
    await usher.backOffice.publish([noteFor('ann')]);
    const { notes, badge } = await phone.waitForNotifications(1);
    expect(notes).toEqual([expect.objectContaining({ title: 'Hello', body: 'You have a note.' })]);
    expect(badge).toBe(1);
    await waitForFallback();
    expect((await phone.lockScreen()).arrived).toHaveLength(1);
    expect(await pushStates(usher, 'ann-phone')).toEqual([{ state: 'delivered', reason: null }]);
  });

  test('whose address is of a kind that only a newer version knows keeps no other from its push', async () => {
    await registerPhone(usher, 'abe', 'abe-phone');
    const phone = await registerPhone(usher, 'amy', 'amy-phone');
    await usher.database.query(
      `UPDATE device SET push = jsonb_set(push, '{kind}', '"pigeon"') WHERE user_id = 'abe'`,
    );
    await usher.backOffice.publish(['abe', 'amy'].map((userId) => noteFor(userId, { tier: 'important' })));
    await phone.waitForNotifications(1);
    await waitForFallback();
    expect(await pushStates(usher, 'abe-phone')).toEqual([]);
  });

  test('that is connected receives no push', async () => {
    const phone = await registerPhone(usher, 'ben', 'ben-phone');
    const device = await usher.device('ben', 'ben-phone');
    await usher.backOffice.publish([noteFor('ben'), noteFor('ben', { tier: 'important' })]);
    await device.waitFor('note.written');
    await waitForFallback();
    expect((await phone.lockScreen()).arrived).toEqual([]);
    expect(await pushStates(usher, 'ben-phone')).toEqual([]);
  });

  test.each([
    ['cem', 'note.written'],
    // Of a category that is pushed only to those who ask for it; a critical event is pushed all the same.
    ['cleo', 'recommendations.urgent'],
  ])(
    'whose half-open connection is not detected yet receives a push when no receipt arrived in time (%s, %s)',
    async (userId, type) => {
      const phone = await registerPhone(usher, userId, `${userId}-phone`);
      proxy.set('open');
      const token = await usher.token(userId);
      const halfOpen = await connectDevice(`http://127.0.0.1:${proxy.port}`, `${userId}-phone`, { token });
      proxy.set('black-hole');
      await usher.backOffice.publish([noteFor(userId, { type })]);
      const { arrived } = await phone.waitForPushes(1);
      expect(arrived).toHaveLength(1);
      await waitForFallback();
      expect((await phone.lockScreen()).arrived).toHaveLength(1);
      proxy.set('cut');
      halfOpen.close();
    },
  );

  test('that is not the target of the event receives no push', async () => {
    const meant = await registerPhone(usher, 'eli', 'eli-phone');
    const other = await registerPhone(usher, 'eli', 'eli-tablet');
    await usher.backOffice.publish([noteFor('eli', { deviceId: 'eli-phone' })]);
    await meant.waitForNotifications(1);
    await waitForFallback();
    expect((await other.lockScreen()).arrived).toEqual([]);
  });
});

describe('a queued push', () => {
  test('is only the newest of its key, and replaces on the screen the one that it supersedes', async () => {
    const phone = await registerPhone(usher, 'fay', 'fay-phone');
    await usher.backOffice.publish([noteFor('fay', { key: 'plan', data: { title: 'old' } })]);
    await phone.waitForNotifications(1);
    await usher.backOffice.publish([noteFor('fay', { key: 'plan', data: { title: 'new' } })]);
    const { notes } = await eventually('the notification is replaced', async () => {
      const screen = await phone.lockScreen();
      return screen.notes[0]?.title === 'new' && screen;
    });
    expect(notes).toHaveLength(1);
  });

  test('is withdrawn by the first receipt', async () => {
    const phone = await registerPhone(usher, 'gus', 'gus-phone');
    await phone.setProviderOutcome({ is: 'retry', afterMs: 1_500, reason: 'busy' });
    await usher.backOffice.publish([noteFor('gus')]);
    await phone.waitForPushes(1);
    const device = await usher.device('gus', 'gus-phone', { position: { epoch: 'none', offset: 0 } });
    const state = await device.waitFor('snapshot');
    const [entry] = state.entries as { offset: number }[];
    expect(await device.request('receipt', { offset: entry?.offset, state: 'applied' })).toMatchObject({
      ok: true,
    });
    await waitForPushState(usher, 'gus-phone', 'withdrawn', 'received');
    expect((await phone.lockScreen()).arrived).toHaveLength(1);
  });
});
