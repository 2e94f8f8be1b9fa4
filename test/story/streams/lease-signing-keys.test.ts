import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { setTimeout } from 'node:timers/promises';
import { createLocalJWKSet, decodeProtectedHeader, type JWK, jwtVerify } from 'jose';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { Database, type Transaction } from '../../../src/platform/postgres/database.js';
import { LeaseKeyStore } from '../../../src/streams/lease-keys/lease-key.store.js';
import { LeaseSignerService } from '../../../src/streams/lease-keys/lease-signer.service.js';
import { testConfig } from '../../support/config.js';
import { putPlans, startStream, subscribe } from '../../support/drivers/subscribers.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

const OLD_SECRET = 'the secret of last year of 32 bytes or more';
const NEW_SECRET = 'the secret of this year of 32 bytes or more';
let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ LEASE_KEY_SECRET: OLD_SECRET });
  await putPlans(usher);
  await subscribe(usher, 'ann');
});
afterAll(() => usher.stop());

async function published(node: TestUsher): Promise<JWK[]> {
  const response = await fetch(`${node.url}/.well-known/jwks.json`);
  return ((await response.json()) as { keys: JWK[] }).keys;
}
const kids = async (node: TestUsher) => (await published(node)).map(({ kid }) => kid);
const lease = async (node: TestUsher) => (await startStream(node, 'ann')).body.lease;
const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const endStreams = () =>
  usher.backOffice.call('DELETE', '/v1/users/ann/streams', undefined, { 'usher-reason': 'a test' });

/** Its first answer comes half a second late. */
class LateStore extends LeaseKeyStore {
  private isFirst = true;

  override async read(tx?: Transaction) {
    const found = await super.read(tx);
    if (this.isFirst) await setTimeout(500);
    this.isFirst = false;
    return found;
  }
}

describe('the keys that sign leases', () => {
  test('are there for a node that PostgreSQL answers late: the first one signs at once', async () => {
    await usher.database.query('DELETE FROM lease_key');
    const config = testConfig({ DATABASE_URL: usher.database.url, LEASE_KEY_SECRET: OLD_SECRET });
    const database = new Database(config);
    const signer = new LeaseSignerService(new LateStore(database), database, config, new MetricsService());
    try {
      await signer.onModuleInit();
      expect(signer.published.keys).toHaveLength(2);
    } finally {
      await signer.onApplicationShutdown();
      await database.onApplicationShutdown();
    }
  });

  test('are created once by whichever node comes first, and known to all nodes before one is used', async () => {
    await usher.database.query('DELETE FROM lease_key');
    const [a, b] = await Promise.all([usher.another(), usher.another()]);
    const known = await kids(a);
    expect(known).toHaveLength(2);
    expect(await kids(b)).toEqual(known);
    expect([kidOf(await lease(a)), kidOf(await lease(b))]).toEqual([known[0], known[0]]);
    await endStreams();
    for (const node of [a, b]) await node.stop();
  });

  test('are encrypted with LEASE_KEY_SECRET, which can be rotated; a node with another secret does not start', async () => {
    const [row] = await usher.database.query<{ private_key: Buffer }>(
      'SELECT private_key FROM lease_key LIMIT 1',
    );
    expect(row?.private_key[0]).toBe(1);
    const node = await usher.another({ LEASE_KEY_SECRET: `${NEW_SECRET},${OLD_SECRET}` });
    const keys = createLocalJWKSet({ keys: await published(node) });
    await jwtVerify(await lease(node), keys);
    await endStreams();
    await expect(usher.another({ LEASE_KEY_SECRET: NEW_SECRET })).rejects.toThrow(
      // With the place in TypeScript, not in the bundle.
      /LEASE_KEY_SECRET does not open[^]*src\/streams\/lease-keys\/lease-signer\.service\.ts:\d+:\d+/,
    );
  });

  test.each([
    ['40 days ahead', 40],
    ['40 days behind', -40],
  ])('and their times are those of PostgreSQL: a node that is %s changes nothing', async (_, days) => {
    const before = await kids(usher);
    const signing = kidOf(await lease(usher));
    await endStreams();
    const config = testConfig({ DATABASE_URL: usher.database.url, LEASE_KEY_SECRET: OLD_SECRET });
    const database = new Database(config);
    const realNow = Date.now();
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => realNow + days * 86_400_000);
    const signer = new LeaseSignerService(
      new LeaseKeyStore(database),
      database,
      config,
      new MetricsService(),
    );
    try {
      await signer.onModuleInit();
      const claims = { sub: 'ann', sid: 's', did: 'tv', ver: 1, cap: {} as never };
      expect(signer.published.keys.map(({ kid }) => kid)).toEqual(before);
      expect(kidOf(await signer.sign(claims, { iat: 1, exp: 2 }))).toBe(signing);
      expect(Math.abs(signer.now - realNow)).toBeLessThan(3_600_000);
    } finally {
      clock.mockRestore();
      await signer.onApplicationShutdown();
      await database.onApplicationShutdown();
    }
    expect(await kids(usher)).toEqual(before);
  });

  test('rotate: the next one signs once it is active, and leases of the previous one stay valid', async () => {
    const [first, second] = await kids(usher);
    const before = await lease(usher);
    const move = (kid: string | undefined, to: string) =>
      usher.database.query(`UPDATE lease_key SET active_from = now() - $2::interval WHERE kid = $1`, [
        kid,
        to,
      ]);
    await move(first, '40 days');
    await move(second, '1 hour');
    const third = await eventually('a third key is published', async () => (await kids(usher))[2]);
    const after = await lease(usher);
    expect([kidOf(before), kidOf(after)]).toEqual([first, second]);
    const keys = createLocalJWKSet({ keys: await published(usher) });
    for (const token of [before, after]) await jwtVerify(token, keys);
    // A key is deleted long after its last lease has expired.
    await move(second, '3 days');
    await eventually('the first key is deleted', async () => !(await kids(usher)).includes(first));
    expect(await kids(usher)).toEqual([second, third]);
  });
});
