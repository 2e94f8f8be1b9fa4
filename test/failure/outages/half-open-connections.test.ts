import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ConsistencyChecker } from '../../support/consistency-checker.js';
import { connectDevice } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { EventLog } from '../../support/event-log.js';
import { eventually } from '../../support/eventually.js';
import { type FaultProxy, faultProxy } from '../../support/infrastructure/fault-proxy.js';
import { metric } from '../../support/metric.js';
import { elapsed, report } from '../../support/report.js';

/**
 * A device whose connection became half-open (a tunnel, a dead router) reconnects. Without a reconnect, Engine.IO's pings
 * find it after 35 s, which is too long for a test.
 */
const TAKEOVER_MS = 1_000;
/** The clock of the node that holds the older connection is ahead: by its own, that one would be the newer. */
const CLOCK_AHEAD = '--import=data:text/javascript,const{now}=Date;Date.now=()=>now()+30000';

let nodes: TestUsher[];
let proxy: FaultProxy;
const checker = new ConsistencyChecker();

beforeAll(async () => {
  const first = await startUsher({ LOG_LEVEL: 'warn', NODE_OPTIONS: CLOCK_AHEAD });
  nodes = [first, await first.another({ NODE_OPTIONS: '' })];
  proxy = await faultProxy({ host: '127.0.0.1', port: Number(new URL(first.url).port) });
}, 60_000);
afterAll(async () => {
  await nodes[0]?.stop();
  await proxy.close();
});

const connectionCountOf = (node: TestUsher) => metric(node, 'usher_connections');

test.each([
  ['the same node', 0],
  ['another node, whose clock is 30 s behind,', 1],
])(
  'a device that reconnects to %s closes its half-open connection at once and receives what that one lost, once',
  async (_, place) => {
    const [here, there] = [nodes[0] as TestUsher, nodes[place] as TestUsher];
    const userId = `user-${place}`;
    const eventLog = new EventLog();
    const options = { onFrame: eventLog.record.bind(eventLog), token: await here.token(userId) };
    proxy.set('open');
    const before = await connectDevice(`http://127.0.0.1:${proxy.port}`, `${userId}-tv`, options);
    await checker.publish(here.backOffice, userId, 'critical');
    await eventually('it receives the event', () => eventLog.applied.length === 1);
    proxy.set('black-hole');
    for (let n = 0; n < 5; n += 1) await checker.publish(here.backOffice, userId, 'important');
    expect(await connectionCountOf(here)).toBe(1);

    const { position } = eventLog;
    const after = await there.device(userId, `${userId}-tv`, { ...options, ...(position && { position }) });
    const welcomed = Date.now();
    await eventually(
      'the half-open connection is closed',
      async () => (await connectionCountOf(here)) === (place === 0 ? 1 : 0),
      TAKEOVER_MS,
    );
    report(`half-open connection closed ${elapsed(welcomed)} after the device was welcomed elsewhere`);
    await checker.publish(here.backOffice, userId, 'critical');
    await checker.expectConsistent([{ userId, deviceId: `${userId}-tv`, eventLog }], 5_000);
    before.close();
    after.close();
    await eventually(
      'it is disconnected',
      async () => (await connectionCountOf(here)) + (await connectionCountOf(there)) === 0,
    );
  },
);
