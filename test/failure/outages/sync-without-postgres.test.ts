import { afterAll, beforeAll, expect, test } from '@jest/globals';
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

test.each(['cut', 'black-hole'] as const)(
  'a device that asks for its history while PostgreSQL is away (%s) is answered, stays connected, and gets it later',
  async (fault) => {
    const userId = `ann-${fault}`;
    const publish = (type: string) =>
      usher.backOffice.publish([{ userId, type, tier: 'important', data: {} }]);
    const tv = await node.device(userId, `${userId}-tv`);
    const phone = await node.device(userId, `${userId}-phone`);
    await publish('note.before');
    const { epoch } = await tv.waitFor('note.before');
    const sync = () =>
      tv.socket.timeout(30_000).emitWithAck('sync', { epoch, offset: 0 }) as Promise<unknown>;
    proxy.set(fault);
    expect(await sync()).toMatchObject({ ok: false, error: { code: 'unavailable', retryable: true } });
    await publish('note.meanwhile');
    await tv.waitFor('note.meanwhile');
    await phone.heartbeat({ positionSeconds: 200 });
    await tv.waitFor('playback.progress');
    proxy.set('open');
    await eventually('it is sent its history', async () => ((await sync()) as { ok: boolean }).ok, 40_000);
    await eventually('the history came', () => tv.offsets().length === 4);
    expect(tv.offsets()).toEqual([1, 2, 1, 2]);
    expect(tv.socket.connected).toBe(true);
  },
  90_000,
);
