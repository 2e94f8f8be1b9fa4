import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { registerPhone } from '../../support/drivers/phone.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1' });
});
afterAll(() => usher.stop());

interface Published {
  readonly id: string;
  readonly offset: number;
}
const publish = async (userId: string, more: Record<string, unknown> = {}): Promise<Published> => {
  const data = { title: 'Hello', body: 'You have a note.' };
  const event = { userId, type: 'note.one', tier: 'important', key: 'one', data, ...more };
  const { status, body } = await usher.backOffice.publish([event]);
  expect(status).toBe(202);
  return (body.accepted as [Published])[0];
};
const register = async (userId: string, deviceId: string) => {
  const { status } = await usher.callAs(userId, 'PUT', `/v1/me/devices/${deviceId}`, { platform: 'tv' });
  expect(status).toBe(200);
};
const report = (userId: string, deviceId: string, of: Record<string, unknown>) =>
  usher.callAs(userId, 'POST', '/v1/me/receipts', { deviceId, state: 'seen', ...of });
const inTimeline = async (userId: string, { id }: Published) =>
  (await usher.backOffice.call('GET', `/v1/users/${userId}/events/${id}`)).body;

describe('a receipt of an event that a newer one of its key has superseded', () => {
  test.each([
    ['by id', 'ann', ({ id }: Published) => ({ ids: [id] })],
    ['by offset', 'amy', ({ offset }: Published) => ({ offset })],
  ])('counts over HTTP %s, and is in the timeline', async (_, userId, named) => {
    await register(userId, 'tv');
    const read = await publish(userId);
    const newer = await publish(userId);
    expect((await report(userId, 'tv', named(read))).status).toBe(204);
    expect(await inTimeline(userId, read)).toMatchObject({
      supersededBy: newer.id,
      devices: [{ deviceId: 'tv', state: 'seen', seenAt: expect.any(String) }],
    });
    expect(await inTimeline(userId, newer)).toMatchObject({ devices: [{ deviceId: 'tv', state: 'none' }] });
  });

  test('counts on the socket of a device that has it from its snapshot, and the other devices learn of it', async () => {
    const byId = await publish('bo');
    const byOffset = await publish('bo', { key: 'two' });
    const current = await publish('bo', { key: 'three' });
    const device = await usher.device('bo', 'bo-tv');
    const phone = await usher.device('bo', 'bo-phone');
    await device.waitFor('snapshot', ({ entries }) => (entries as unknown[]).length === 3);
    await publish('bo');
    await publish('bo', { key: 'two' });
    const both = [byId.id, current.id];
    expect(await device.request('receipt', { ids: both, state: 'seen' })).toEqual({ ok: true });
    expect(await device.request('receipt', { offset: byOffset.offset, state: 'applied' })).toEqual({
      ok: true,
    });
    expect((await phone.waitFor('receipts.changed')).data).toMatchObject({ state: 'seen' });
    const stateOnTv = async (event: Published) =>
      ((await inTimeline('bo', event)).devices as Record<string, unknown>[])[1];
    expect(await stateOnTv(byId)).toMatchObject({ deviceId: 'bo-tv', state: 'seen' });
    expect(await stateOnTv(byOffset)).toMatchObject({ deviceId: 'bo-tv', state: 'applied' });
  });

  test('takes no push of the newer one away', async () => {
    const phone = await registerPhone(usher, 'cy', 'cy-phone');
    const read = await publish('cy');
    await publish('cy', { data: { title: 'Newer' } });
    expect((await report('cy', 'cy-phone', { ids: [read.id] })).status).toBe(204);
    await eventually('the newer one is on its screen', async () => {
      const { notes } = await phone.lockScreen();
      return notes.map(({ title }) => title).join() === 'Newer';
    });
  });

  test('is refused to a device that it was not for, and to another user', async () => {
    for (const deviceId of ['tv', 'tablet']) await register('dee', deviceId);
    await register('mallory', 'tv');
    const read = await publish('dee', { deviceId: 'tablet' });
    await publish('dee', { deviceId: 'tablet' });
    for (const named of [{ ids: [read.id] }, { offset: read.offset }]) {
      expectProblem(await report('dee', 'tv', named), 422, 'unknown_event');
      expectProblem(await report('mallory', 'tv', named), 422, 'unknown_event');
      expect((await report('dee', 'tablet', named)).status).toBe(204);
    }
  });
});

test('a receipt of an event that has expired and left the mailbox counts', async () => {
  await register('eve', 'tv');
  const read = await publish('eve', { expiresAt: new Date(Date.now() + 60_000).toISOString() });
  await usher.database.query(`UPDATE mailbox_entry SET expires_at = at WHERE user_id = 'eve'`);
  await eventually('it has left the mailbox', async () => {
    const rows = await usher.database.query(`SELECT FROM mailbox_entry WHERE user_id = 'eve'`);
    return rows.length === 0;
  });
  expect((await report('eve', 'tv', { offset: read.offset, state: 'applied' })).status).toBe(204);
  expect((await report('eve', 'tv', { ids: [read.id] })).status).toBe(204);
  expect(await inTimeline('eve', read)).toMatchObject({ devices: [{ deviceId: 'tv', state: 'seen' }] });
});
