import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectDevice } from '../support/device.js';
import { eventually } from '../support/eventually.js';
import { fate, fates, phone } from '../support/phone.js';
import { type FaultProxy, faultProxy } from '../support/proxy.js';
import { startUsher, type TestUsher } from '../support/usher.js';

let usher: TestUsher;
let wire: FaultProxy;
beforeAll(async () => {
  usher = await startUsher({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1' });
  wire = await faultProxy({ host: '127.0.0.1', port: Number(new URL(usher.url).port) });
});
afterAll(async () => {
  await usher.stop();
  await wire.close();
});

const note = (userId: string, more: Record<string, unknown> = {}) => ({
  userId,
  type: 'note.written',
  tier: 'critical',
  data: { title: 'Hello', body: 'You have a note.' },
  ...more,
});
/** Whether the clock has passed over everything that was committed. */
const clockIsThrough = () =>
  eventually(
    'the clock is through',
    async () => (await usher.database.query("SELECT 1 FROM handoff WHERE consumer = 'push'")).length === 0,
  );

describe('a device', () => {
  test('that sleeps gets one push of a critical event, and none by the clock later', async () => {
    const pixel = await phone(usher, 'ann', 'ann-phone');
    await usher.backOffice.publish([note('ann')]);
    const { notes, badge } = await pixel.shows(1);
    expect(notes).toEqual([expect.objectContaining({ title: 'Hello', body: 'You have a note.' })]);
    expect(badge).toBe(1);
    await clockIsThrough();
    expect((await pixel.screen()).arrived).toHaveLength(1);
    expect(await fates(usher, 'ann-phone')).toEqual([{ state: 'delivered', reason: null }]);
  });

  test('that is awake gets none', async () => {
    const pixel = await phone(usher, 'ben', 'ben-phone');
    const device = await usher.device('ben', 'ben-phone');
    await usher.backOffice.publish([note('ben'), note('ben', { tier: 'important' })]);
    await device.hears('note.written');
    await clockIsThrough();
    expect((await pixel.screen()).arrived).toEqual([]);
    expect(await fates(usher, 'ben-phone')).toEqual([]);
  });

  test('whose socket is dead without anybody knowing gets one when no receipt came in time', async () => {
    const pixel = await phone(usher, 'cem', 'cem-phone');
    wire.set('open');
    const token = await usher.token('cem');
    const half = await connectDevice(`http://127.0.0.1:${wire.port}`, 'cem-phone', { token });
    wire.set('black-hole');
    await usher.backOffice.publish([note('cem')]);
    const { arrived } = await pixel.gets(1);
    expect(arrived).toHaveLength(1);
    await clockIsThrough();
    expect((await pixel.screen()).arrived).toHaveLength(1);
    wire.set('cut');
    half.close();
  });

  test('that a target leaves out gets none', async () => {
    const meant = await phone(usher, 'eli', 'eli-phone');
    const other = await phone(usher, 'eli', 'eli-tablet');
    await usher.backOffice.publish([note('eli', { deviceId: 'eli-phone' })]);
    await meant.shows(1);
    await clockIsThrough();
    expect((await other.screen()).arrived).toEqual([]);
  });
});

describe('what waits to be pushed', () => {
  test('is only the newest of its key, and replaces on the screen what it supersedes', async () => {
    const pixel = await phone(usher, 'fay', 'fay-phone');
    await usher.backOffice.publish([note('fay', { key: 'plan', data: { title: 'old' } })]);
    await pixel.shows(1);
    await usher.backOffice.publish([note('fay', { key: 'plan', data: { title: 'new' } })]);
    const { notes } = await eventually('it is replaced', async () => {
      const screen = await pixel.screen();
      return screen.notes[0]?.title === 'new' && screen;
    });
    expect(notes).toHaveLength(1);
  });

  test('is withdrawn by the first receipt', async () => {
    const pixel = await phone(usher, 'gus', 'gus-phone');
    await pixel.trouble({ is: 'retry', afterMs: 1_500, reason: 'busy' });
    await usher.backOffice.publish([note('gus')]);
    await pixel.gets(1);
    const device = await usher.device('gus', 'gus-phone', { position: { epoch: 'none', offset: 0 } });
    const state = await device.hears('snapshot');
    const [entry] = state.entries as { offset: number }[];
    expect(await device.ask('receipt', { offset: entry?.offset, state: 'applied' })).toMatchObject({
      ok: true,
    });
    await fate(usher, 'gus-phone', 'withdrawn', 'received');
    expect((await pixel.screen()).arrived).toHaveLength(1);
  });
});
