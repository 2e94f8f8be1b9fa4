import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type NodeBehindProxy, startNodeBehindProxy } from '../../support/drivers/node-behind-proxy.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import type { FaultProxy } from '../../support/infrastructure/fault-proxy.js';

let usher: TestUsher;
let proxy: FaultProxy;
/** The node whose connection to PostgreSQL can be cut. */
let node: TestUsher;
let stop: NodeBehindProxy['stop'];
beforeAll(async () => {
  ({ usher, node, proxy, stop } = await startNodeBehindProxy());
});
afterAll(() => stop());

const positions = async (userId: string) => {
  const { playback } = await usher.state(userId);
  return playback.map(({ positionSeconds }) => positionSeconds);
};

describe.each(['cut', 'black-hole'] as const)('while PostgreSQL is unavailable (%s)', (fault) => {
  const userId = `ann-${fault}`;

  test('heartbeats still reach other devices, marked as unsaved, and are stored when it is back', async () => {
    const tv = await node.device(userId, `${userId}-tv`);
    const phone = await node.device(userId, `${userId}-phone`);
    await tv.heartbeat({ positionSeconds: 100 });
    expect((await phone.waitFor('playback.progress')).data).not.toHaveProperty('unsaved');
    proxy.set(fault);
    expect(await tv.heartbeat({ positionSeconds: 200 })).toMatchObject({ ok: true });
    expect(await tv.heartbeat({ positionSeconds: 300 })).toMatchObject({ ok: true });
    const progress = await phone.waitFor('playback.progress', ({ data }) => data.positionSeconds === 300);
    expect(progress.data).toMatchObject({ unsaved: true, deviceId: `${userId}-tv` });
    expect(await positions(userId)).toEqual([100]);
    proxy.set('open');
    await eventually('it is stored', async () => (await positions(userId))[0] === 300);
    await tv.heartbeat({ positionSeconds: 400 });
    const after = await phone.waitFor('playback.progress', ({ data }) => data.positionSeconds === 400);
    expect(after.data).not.toHaveProperty('unsaved');
  }, 30_000);

  test('durable events are rejected with a retryable error', async () => {
    proxy.set(fault);
    const note = { userId, type: 'note.kept', tier: 'critical', data: {} };
    expect(await node.backOffice.publish([note])).toMatchObject({
      status: 503,
      body: { code: 'unavailable', retryable: true },
    });
    proxy.set('open');
    await eventually(
      'publishing works again',
      async () => (await node.backOffice.publish([note])).status === 202,
    );
  }, 40_000);
});
