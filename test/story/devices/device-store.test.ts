import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
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
  ])('when one %s, nothing of the other changes', async (what, act, ownOutcome) => {
    const [one, other] = [`one-${what.replaceAll(' ', '-')}`, `other-${what.replaceAll(' ', '-')}`];
    for (const userId of [one, other]) {
      await devices.put(tvOf(userId), pushTo(userId));
      await queuePush(userId);
    }
    await act(one);
    expect(await stateOf(other)).toEqual(kept(other));
    const isRemoved = what === 'removes it' || what === 'has too many devices';
    expect(await stateOf(one)).toEqual(isRemoved ? undefined : (ownOutcome ?? kept(one)));
    const [left] = await postgres.query(`SELECT state FROM push WHERE user_id = $1`, [one]);
    expect(left).toEqual({ state: isRemoved || ownOutcome ? 'withdrawn' : 'queued' });
  });

  test('the one who registers an address last has it; the other loses it and what is queued for it in the same commit', async () => {
    await devices.put(tvOf('former'), pushTo('the-address'));
    await queuePush('former');
    await devices.put(tvOf('latter'), pushTo('the-address'));
    expect(await stateOf('former')).toEqual(withdrawn);
    expect(await stateOf('latter')).toMatchObject({ address: 'the-address' });
    await devices.update(tvOf('former'), { push: pushTo('the-address').push });
    expect((await stateOf('latter'))?.address).toBeNull();
    expect((await stateOf('former'))?.address).toBe('the-address');
  });
});

test('two devices that exchange their addresses at the same moment do not deadlock, whatever order they begin in', async () => {
  await devices.put(tvOf('x'), pushTo('address-x'));
  await devices.put(tvOf('y'), pushTo('address-y'));
  const waiting = (count: number) =>
    eventually(`${count} wait`, async () => {
      const [row] = await postgres.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return row?.count === count;
    });
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
