import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { RevocationStore } from '../../../src/platform/auth/revocations/revocation.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { throwAwayFolder } from '../../../tools/places.mjs';
import { type EmbeddedPostgres, startPostgres } from '../../../tools/databases/postgres.mjs';
import { closeClients, openClient, type TestClient, waitForConnection } from '../../client/test-client.js';
import { call, type HttpReply } from '../../support/drivers/back-office.js';
import type { Device } from '../../support/drivers/device.js';
import { pause, putPlans, subscribe } from '../../support/drivers/subscribers.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import { migratedDatabase } from '../../support/infrastructure/database.js';
import { type FaultProxy, proxyDatabase } from '../../support/infrastructure/fault-proxy.js';
import { type Standby, startStandby } from '../../support/infrastructure/standby.js';

/** Events of a user that reached the standby; the next one is lost. */
const KEPT = 5;
const LOST = KEPT + 1;

let primary: EmbeddedPostgres;
let standby: Standby;
/** Between the node and whichever server is the primary. */
let proxy: FaultProxy;
let nodesUrl: string;
let usher: TestUsher;
let epoch: string;
/** Devices that stay connected all the time, with the newest event of their users. */
let adaTv: TestClient;
let bobTv: Device;
let eveTv: TestClient;
let gusTv: TestClient;
let whileReadOnly: HttpReply;

beforeAll(async () => {
  primary = await startPostgres({ dataDir: join(throwAwayFolder('test'), 'postgres'), durable: false });
  const database = await migratedDatabase(primary.url);
  standby = await startStandby(primary);
  const proxied = await proxyDatabase(primary.url);
  proxy = proxied.proxy;
  nodesUrl = proxied.url;
  usher = await startUsher({ LOG_LEVEL: 'warn' }, { ...database, url: nodesUrl });
  for (const userId of ['ada', 'bob', 'dan', 'finn'])
    for (let n = 1; n <= KEPT; n += 1) await publish(userId, `note ${n}`);
  await putPlans(usher);
  await subscribe(usher, 'gus');
  ({ epoch } = (await usher.state('ada')).position);
  [adaTv, eveTv, gusTv] = await Promise.all([openTv('ada'), openTv('eve'), openTv('gus')]);
  bobTv = await usher.device('bob', 'bob-tv');
  await standby.catchUp();
  standby.replication.set('cut');
  for (const userId of ['ada', 'dan', 'eve']) await publish(userId, 'lost');
  for (const change of [pause, subscribe]) await change(usher, 'gus');
  await revokeElsewhere('hal');
  await eventually('the devices have what will be lost', () =>
    [adaTv, eveTv].every(({ received }) => received.some(({ data }) => data === 'lost')),
  );
  await eventually('the device has versions that will be lost', () => versionOf(gusTv) === 3);
  await failOver();
}, 60_000);

afterAll(async () => {
  closeClients();
  await usher?.stop();
  await standby?.stop();
  await primary?.stop();
  await proxy?.close();
});

async function openTv(userId: string): Promise<TestClient> {
  const opened = openClient(usher.url, { deviceId: `${userId}-tv`, token: () => usher.token(userId) });
  await waitForConnection(opened, 'live');
  return opened;
}

const versionOf = ({ client }: TestClient): number => client.state.membership?.version ?? 0;

/** Revokes the user's tokens as another node does. Returns when this node knows. */
async function revokeElsewhere(userId: string): Promise<void> {
  const database = new Database({ DATABASE_URL: nodesUrl } as ConstructorParameters<typeof Database>[0]);
  try {
    await database.transaction('critical', (tx) => new RevocationStore(database).add(tx, { userId }));
  } finally {
    await database.onApplicationShutdown();
  }
  // From before the revocation.
  const token = await usher.token(userId, { issuedAt: Math.floor(Date.now() / 1_000) - 60 });
  await eventually('the token is refused', async () => {
    const reply = await call(usher.url, token, 'GET', '/v1/me/state');
    return reply.body.code === 'token_revoked';
  });
}

async function publish(userId: string, data: string): Promise<void> {
  const event = { userId, type: 'note', tier: 'important', key: data, data };
  const reply = await usher.backOffice.publish([event]);
  expect([reply.status, reply.body.code]).toEqual([202, undefined]);
}

/** The primary dies, and traffic is sent to the standby a moment before that is promoted. */
async function failOver(): Promise<void> {
  proxy.pointTo({ host: '127.0.0.1', port: standby.port });
  await primary.kill();
  await eventually('the node reads from the standby', async () => {
    return (await usher.callAs('ada', 'GET', '/v1/me/state')).status === 200;
  });
  const early = { userId: 'ada', type: 'note', tier: 'important', data: {} };
  whileReadOnly = await usher.backOffice.publish([early]);
  await standby.promote();
  await eventually('the node can write again', async () => {
    const event = { userId: 'first-after', type: 'note', tier: 'important', data: {} };
    return (await usher.backOffice.publish([event])).status === 202;
  });
}

/** A device of the driver, which shows every frame, comes back with a position of the same epoch. */
const comeBack = (userId: string, offset: number): Promise<Device> =>
  usher.device(userId, `${userId}-phone-${offset}`, { position: { epoch, offset } });
const resumeOf = (device: Device): unknown => device.received[0]?.payload.resume;
const dataOf = (device: Device): unknown[] => device.envelopes('note').map(({ data }) => data);
const snapshotOf = (device: Device): Promise<unknown[]> =>
  eventually('the snapshot', () => {
    const snapshot = device.received.find(({ event }) => event === 'snapshot');
    return (snapshot?.payload.entries as { data: unknown }[] | undefined)?.map(({ data }) => data);
  });

describe('PostgreSQL fails over to a standby that lacks the newest events', () => {
  test('a server that cannot be written to yet is an outage, and the call may be repeated', () => {
    expectProblem(whileReadOnly, 503, 'unavailable', true);
  });

  test('a device that comes back with a lost position gets the state before there is a new event', async () => {
    const phone = await comeBack('dan', LOST);
    expect(resumeOf(phone)).toBe('snapshot');
    expect(await snapshotOf(phone)).toEqual(['note 1', 'note 2', 'note 3', 'note 4', 'note 5']);
  });

  test('a live device that has a lost event hears the next one, and then has the state of the server', async () => {
    await publish('ada', 'new');
    await eventually('the event is heard', () => adaTv.received.some(({ data }) => data === 'new'));
    const { entries, position } = await usher.state('ada');
    await eventually('the device is where the server is', () => {
      const { state } = adaTv.client;
      return state.position?.offset === position.offset && state.connection === 'live';
    });
    expect(adaTv.client.state.entries).toEqual(entries);
    expect(adaTv.received.map(({ data }) => data)).toEqual(['lost', 'new']);
  });

  test('a device that comes back with a lost position hears of the new event', async () => {
    const phone = await comeBack('ada', LOST);
    expect(resumeOf(phone)).toBe('snapshot');
    expect(await snapshotOf(phone)).toEqual(['note 1', 'note 2', 'note 3', 'note 4', 'note 5', 'new']);
  });

  test('one that comes back with a position from before the loss is sent what followed, and no snapshot', async () => {
    const phone = await comeBack('ada', KEPT - 1);
    expect(resumeOf(phone)).toBe('replay');
    await eventually('the replay is there', () => dataOf(phone).length === 2);
    expect(dataOf(phone)).toEqual(['note 5', 'new']);
  });

  test('a live device that lost nothing hears the next event on the same connection, without a snapshot', async () => {
    await publish('bob', 'new');
    await eventually('the event is heard', () => dataOf(bobTv).includes('new'));
    await publish('bob', 'newer');
    await eventually('the next event is heard', () => dataOf(bobTv).includes('newer'));
    expect(bobTv.received.map(({ event }) => event)).toEqual(['welcome', 'snapshot', 'note', 'note']);
    expect(bobTv.socket.connected).toBe(true);
  });

  test('a live device hears the first event of a mailbox that was lost as a whole', async () => {
    await publish('eve', 'new');
    await eventually('the event is heard', () => eveTv.received.some(({ data }) => data === 'new'));
    await eventually('the lost event is gone', () => eveTv.client.state.entries.length === 1);
    const phone = await comeBack('eve', 1);
    expect(await snapshotOf(phone)).toEqual(['new']);
  });

  test('an app that reads pages is told that its position is lost, and one that has not lost any can go on', async () => {
    const read = (after: number) =>
      usher.callAs('ada', 'GET', `/v1/me/entries?epoch=${epoch}&after=${String(after)}`);
    expectProblem(await read(LOST), 410, 'position_lost');
    expect((await read(KEPT)).body.entries).toMatchObject([{ data: 'new' }]);
  });

  test('a change of the membership is newer than every version that was lost, for devices and edge nodes', async () => {
    expect(await usher.backOffice.entitlement('gus')).toMatchObject({ version: 1, status: 'active' });
    await pause(usher, 'gus');
    const { version } = await usher.backOffice.entitlement('gus');
    expect(version).toBeGreaterThan(3);
    await eventually('the device knows', () => versionOf(gusTv) === version);
    expect(gusTv.client.state).toMatchObject({
      membership: { status: 'paused' },
      entitlement: { status: 'paused', capabilities: { streaming: false } },
    });
  });

  test('a node learns of a revocation by another node, although it knows one that was lost', async () => {
    await revokeElsewhere('ivy');
  });

  test('offsets grow by one again after the first event', async () => {
    await publish('finn', 'new');
    await publish('finn', 'newer');
    const { entries } = await usher.state('finn');
    const [fifth, sixth, seventh] = entries.slice(KEPT - 1).map(({ offset }) => Number(offset));
    expect(fifth).toBe(KEPT);
    expect(Number(sixth)).toBeGreaterThan(LOST);
    expect(seventh).toBe(Number(sixth) + 1);
  });
});
