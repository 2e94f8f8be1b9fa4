import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DeviceStore } from '../../../src/devices/device.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import type { PrismaService } from '../../../src/platform/postgres/prisma.service.js';
import { pushWithdrawal } from '../../../src/push/queue/push.fragments.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';
import { eventually } from '../../support/eventually.js';

/** The store in process on a real PostgreSQL: what two transactions do to each other cannot be timed through the API. */
let postgres: TestDatabase;
let database: Database;
let devices: DeviceStore;
beforeAll(async () => {
  postgres = await createDatabase();
  database = new Database({ DATABASE_URL: postgres.url } as ConstructorParameters<typeof Database>[0]);
  devices = new DeviceStore(database, {} as PrismaService, pushWithdrawal);
});
/** Whoever registers an address takes it from the device that its claim names: no device may have one without its claim. */
const expectClaims = async () => {
  const different = await postgres.query(
    `SELECT d.user_id AS "userId", c.user_id AS claimant, d.push FROM push_address c
     FULL JOIN (SELECT * FROM device WHERE push IS NOT NULL) d ON c.hash = sha256(convert_to(d.push ->> 'address', 'UTF8'))
     WHERE (c.user_id, c.device_id) IS DISTINCT FROM (d.user_id, d.device_id)`,
  );
  expect(different).toEqual([]);
};
afterEach(expectClaims);
afterAll(async () => {
  await database.onApplicationShutdown();
  await postgres.drop();
});

const tvOf = (userId: string) => ({ userId, deviceId: 'living-room-tv' });
const pushTo = (address: string) => ({
  platform: 'tv' as const,
  push: { kind: 'fcm_token' as const, address },
});
const queuePush = (userId: string) =>
  postgres.query(
    `INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, expires_at, bucket)
     VALUES ($1, 'living-room-tv', gen_random_uuid(), 'k', 'note', 'critical', 'e', 1, 'fcm', now() + interval '1 hour', bucket_of($1))`,
    [userId],
  );
const stateOf = async (userId: string) => {
  const rows = await postgres.query(
    `SELECT d.push ->> 'address' AS address, p.state, p.reason
     FROM device d LEFT JOIN push p ON p.user_id = d.user_id AND p.device_id = d.device_id WHERE d.user_id = $1`,
    [userId],
  );
  return rows[0];
};

const retire = async (userId: string) => {
  await postgres.query(`UPDATE device SET last_seen_at = now() - interval '1 year' WHERE user_id = $1`, [
    userId,
  ]);
  return devices.retireUnseen(270, 10);
};
const REMOVALS = new Set(['removes it', 'has too many devices', 'has not used it for a year']);

describe('of two users whose devices have the same id', () => {
  const kept = (address: string) => ({ address, state: 'queued', reason: null });
  const withdrawn = { address: null, state: 'withdrawn', reason: 'device_changed' };

  test.each<[string, (user: string) => Promise<unknown>, object | undefined]>([
    [
      'connects',
      (userId) => devices.register([{ ...tvOf(userId), platform: 'tv', appVersion: '2' }]),
      undefined,
    ],
    ['registers it without an address', (userId) => devices.put(tvOf(userId), { platform: 'tv' }), withdrawn],
    ['removes its address', (userId) => devices.update(tvOf(userId), { push: null }), withdrawn],
    ['changes its name', (userId) => devices.update(tvOf(userId), { name: 'TV' }), undefined],
    [
      'loses its address at the provider',
      (userId) =>
        devices.forgetAddresses('critical', [{ ...tvOf(userId), address: userId, since: undefined }]),
      withdrawn,
    ],
    ['removes it', (userId) => devices.remove(tvOf(userId)), undefined],
    ['has too many devices', (userId) => devices.evictExcess([userId], 0), undefined],
    ['has not used it for a year', (userId) => retire(userId), undefined],
  ])('when one %s, nothing of the other changes', async (what, act, ownOutcome) => {
    const [one, other] = [`one-${what.replaceAll(' ', '-')}`, `other-${what.replaceAll(' ', '-')}`];
    for (const userId of [one, other]) {
      await devices.put(tvOf(userId), pushTo(userId));
      await queuePush(userId);
    }
    await act(one);
    expect(await stateOf(other)).toEqual(kept(other));
    const isRemoved = REMOVALS.has(what);
    expect(await stateOf(one)).toEqual(isRemoved ? undefined : (ownOutcome ?? kept(one)));
    const claims = await postgres.query(`SELECT FROM push_address WHERE user_id = $1`, [one]);
    expect(claims).toHaveLength(isRemoved || ownOutcome ? 0 : 1);
    const [left] = await postgres.query(`SELECT state FROM push WHERE user_id = $1`, [one]);
    expect(left).toEqual({ state: isRemoved || ownOutcome ? 'withdrawn' : 'queued' });
  });

  test('the one who registers an address last has it; the other loses it and what is queued for it in the same commit', async () => {
    await devices.put(tvOf('former'), pushTo('the-address'));
    await queuePush('former');
    await devices.put(tvOf('latter'), pushTo('the-address'));
    expect(await stateOf('former')).toEqual({ ...withdrawn, reason: 'address_moved' });
    expect(await stateOf('latter')).toMatchObject({ address: 'the-address' });
    await devices.update(tvOf('former'), { push: pushTo('the-address').push });
    expect((await stateOf('latter'))?.address).toBeNull();
    expect((await stateOf('former'))?.address).toBe('the-address');
  });

  test('one who does not have the device takes no address', async () => {
    await devices.put(tvOf('owner'), pushTo('kept-address'));
    // By the order of users the device of one is written before the other one loses its address, and of the other after.
    for (const userId of ['nobody', 'p-nobody']) {
      expect(await devices.update(tvOf(userId), { push: pushTo('kept-address').push })).toBe(false);
      expect((await stateOf('owner'))?.address).toBe('kept-address');
      await expectClaims();
    }
  });

  test('an address that is replaced can be registered by the other, and leaves its new owner where it is', async () => {
    await devices.put(tvOf('mover'), pushTo('first'));
    await devices.update(tvOf('mover'), { push: pushTo('second').push });
    await expectClaims();
    await devices.put(tvOf('mover'), pushTo('third'));
    await expectClaims();
    await devices.put(tvOf('finder'), pushTo('first'));
    expect((await stateOf('mover'))?.address).toBe('third');
    expect((await stateOf('finder'))?.address).toBe('first');
  });
});

const waiting = (count: number) =>
  eventually(`${count} wait`, async () => {
    const [row] = await postgres.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return row?.count === count;
  });

test.each(['put', 'update'] as const)(
  'an address that two users register at the same moment (%s) belongs to the device of one of them',
  async (how) => {
    const address = `contested by ${how}`.replaceAll(' ', '-');
    const users = ['k', 'l', 'm'].map((name) => `${name}-${how}`);
    if (how === 'update') for (const user of users) await devices.put(tvOf(user), { platform: 'tv' });
    // The claims of all three wait for one that is not committed yet, so none of them sees a device of another that has the address.
    const release = await postgres.holdTransaction(
      `INSERT INTO push_address (hash, user_id, device_id) VALUES (push_address_hash($1), 'x', 'x')`,
      [address],
    );
    const registered = users.map((user) =>
      how === 'put'
        ? devices.put(tvOf(user), pushTo(address))
        : devices.update(tvOf(user), { push: pushTo(address).push }),
    );
    await waiting(3);
    await release();
    await Promise.all(registered);
    const states = await Promise.all(users.map(stateOf));
    expect(states.filter((state) => state?.address === address)).toHaveLength(1);
  },
);

test('a device that is removed while another one registers its address: neither waits for the other in a circle', async () => {
  await devices.put(tvOf('q'), pushTo('moving-address'));
  const release = await postgres.holdTransaction(`SELECT 1 FROM device WHERE user_id = 'q' FOR UPDATE`);
  // It has the device next, and would have to wait for the claim of the other one, which has that first and waits for the device.
  const removed = devices.remove(tvOf('q'));
  await waiting(1);
  const registered = devices.put(tvOf('r'), pushTo('moving-address'));
  await waiting(2);
  await release();
  expect(await Promise.all([removed, registered])).toEqual([true, true]);
  expect((await stateOf('r'))?.address).toBe('moving-address');
});

test('two devices that exchange their addresses at the same moment do not deadlock, whatever order they begin in', async () => {
  await devices.put(tvOf('x'), pushTo('address-x'));
  await devices.put(tvOf('y'), pushTo('address-y'));
  // Both have taken what they take first, and go on together when y's row is released.
  const release = await postgres.holdTransaction(`SELECT 1 FROM device WHERE user_id = 'y' FOR UPDATE`);
  const toX = devices.put(tvOf('x'), pushTo('address-y'));
  await waiting(1);
  const toY = devices.put(tvOf('y'), pushTo('address-x'));
  await waiting(2);
  await release();
  expect(await Promise.all([toX, toY])).toEqual([false, false]);
  expect([(await stateOf('x'))?.address, (await stateOf('y'))?.address]).toEqual(['address-y', 'address-x']);
});
