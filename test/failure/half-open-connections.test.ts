import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectDevice } from '../support/drivers/device.js';
import { EventLog } from '../support/event-log.js';
import { eventually } from '../support/eventually.js';
import { ConsistencyChecker } from '../support/consistency-checker.js';
import { type FaultProxy, faultProxy } from '../support/infrastructure/fault-proxy.js';
import { report, elapsed } from '../support/report.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

/**
 * RELIABILITY: S3. A device whose line went silent without a word (a tunnel, a dead router) comes back on a new one. That
 * nobody comes back is found by Engine.IO's pings after 35 s, which is too long for a test.
 */
const TAKEOVER_MS = 1_000;
/** Clocks of two nodes may differ by 2 s (admission.service.ts), so a younger line is not known to be the older one. */
const CLEARLY_OLDER_MS = 2_100;

let nodes: TestUsher[];
let wire: FaultProxy;
const checker = new ConsistencyChecker();

beforeAll(async () => {
  const first = await startUsher({ LOG_LEVEL: 'warn' });
  nodes = [first, await first.another()];
  wire = await faultProxy({ host: '127.0.0.1', port: Number(new URL(first.url).port) });
}, 60_000);
afterAll(async () => {
  await nodes[0]?.stop();
  await wire.close();
});

const lines = async (node: TestUsher): Promise<number> => {
  const { body } = await node.backOffice.call('GET', '/metrics');
  return Number(/^usher_connections (.+)$/m.exec(String(body.text))?.[1]);
};

test.each([
  ['the same node', 0],
  ['another node', 1],
])(
  'a device that reconnects to %s closes its half-open connection at once and receives what that one lost, once',
  async (_, place) => {
    const [here, there] = [nodes[0] as TestUsher, nodes[place] as TestUsher];
    const userId = `user-${place}`;
    const eventLog = new EventLog();
    const options = { onFrame: eventLog.record.bind(eventLog), token: await here.token(userId) };
    wire.set('open');
    const began = Date.now();
    const before = await connectDevice(`http://127.0.0.1:${wire.port}`, `${userId}-tv`, options);
    await checker.publish(here.backOffice, userId, 'critical');
    await eventually('it hears', () => eventLog.applied.length === 1);
    wire.set('black-hole');
    for (let n = 0; n < 5; n += 1) await checker.publish(here.backOffice, userId, 'important');
    expect(await lines(here)).toBe(1);
    await eventually('it is clearly the older one', () => Date.now() - began > CLEARLY_OLDER_MS);

    const { position } = eventLog;
    const after = await there.device(userId, `${userId}-tv`, { ...options, ...(position && { position }) });
    const welcomed = Date.now();
    await eventually(
      'the half-open line is closed',
      async () => (await lines(here)) === (place === 0 ? 1 : 0),
      TAKEOVER_MS,
    );
    report(`half-open line closed ${elapsed(welcomed)} after the device was welcomed elsewhere`);
    await checker.publish(here.backOffice, userId, 'critical');
    await checker.expectConsistent([{ userId, deviceId: `${userId}-tv`, eventLog: eventLog }], 5_000);
    before.close();
    after.close();
    await eventually('it is gone', async () => (await lines(here)) + (await lines(there)) === 0);
  },
);
