import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DigestsInProcess, newUser } from '../../support/in-process/digests.js';

let digests: DigestsInProcess;
beforeAll(async () => {
  digests = await DigestsInProcess.start();
});
afterAll(() => digests.stop());
beforeEach(() => digests.clear());

describe('a digest', () => {
  test('goes by the user’s time zone as of now, and moves with it', async () => {
    digests.at('2026-11-20T12:00:00Z');
    await digests.define();
    const userId = newUser();
    await digests.moveTo(userId, 'Asia/Tokyo');
    await digests.choose(userId);
    await digests.worker().plan();
    digests.at('2026-11-21T07:59:00Z');
    await digests.worker().run();
    expect(await digests.datesOf(userId)).toEqual([]); // chosen at nine in the evening, after that of the 20th
    await digests.moveTo(userId, 'America/Los_Angeles');
    await digests.worker().plan();
    digests.at('2026-11-21T09:00:00Z');
    await digests.worker().run();
    expect(await digests.datesOf(userId)).toEqual([]);
    await digests.moveTo(userId, 'Asia/Tokyo');
    await digests.worker().plan();
    await digests.worker().run();
    await digests.worker().run();
    expect(await digests.datesOf(userId)).toEqual(['2026-11-21']);
  });

  test('is not made by the zone of a device that is no longer the one that was seen last, nor twice when its plan is wrong', async () => {
    digests.at('2026-11-20T12:00:00Z');
    await digests.define();
    const userId = newUser();
    await digests.moveTo(userId, 'UTC');
    await digests.choose(userId);
    await digests.worker().plan();
    await digests.publish(userId, ['one']);
    // No registration, and so no trigger, says that the other phone is in use now.
    await digests.postgres.query(
      `INSERT INTO device (user_id, device_id, platform, timezone, last_seen_at, bucket)
       VALUES ($1, 'other', 'ios', 'America/Los_Angeles', now() + interval '1 minute', bucket_of($1))`,
      [userId],
    );
    await digests.postgres.query(
      `UPDATE digest_plan SET next_run_at = '2026-11-20T17:10:00Z' WHERE user_id = $1`,
      [userId],
    );
    digests.at('2026-11-20T17:30:00Z');
    await digests.worker().run();
    expect(await digests.datesOf(userId)).toEqual([]);
    digests.at('2026-11-21T01:30:00Z');
    await digests.worker().run();
    const first = await digests.digestIn(userId);
    expect(first?.data).toMatchObject({ localDate: '2026-11-20' });
    await digests.publish(userId, ['two']);
    await digests.postgres.query(
      `UPDATE digest_plan SET next_run_at = $2, last_date = '2026-11-19' WHERE user_id = $1`,
      [userId, digests.clock.time],
    );
    await digests.worker().run();
    expect(await digests.digestIn(userId)).toEqual(first);
  });

  test('whose time is changed reaches all its users, and a date that had it gets no other one', async () => {
    digests.at('2026-11-20T12:00:00Z');
    await digests.define();
    const userId = newUser();
    await digests.choose(userId);
    await digests.worker().plan();
    digests.at('2026-11-20T16:59:00Z');
    await digests.define({ at: '18:00' });
    await digests.worker().plan();
    digests.at('2026-11-20T17:45:00Z');
    await digests.worker().run();
    expect(await digests.datesOf(userId)).toEqual([]);
    digests.at('2026-11-20T18:30:00Z');
    await digests.worker().run();
    await digests.define({ at: '19:00' });
    await digests.worker().plan();
    digests.at('2026-11-20T23:00:00Z');
    await digests.worker().run();
    expect(await digests.datesOf(userId)).toEqual(['2026-11-20']);
  });
});

test('each local date of users in every zone has one digest, with workers killed all the time', async () => {
  digests.at('2026-10-30T00:00:00Z');
  await digests.define({ optIn: false });
  const zones = Intl.supportedValuesOf('timeZone');
  await digests.postgres.query('TRUNCATE mailbox CASCADE');
  await digests.postgres.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, generation_ends, bucket)
     SELECT 'in ' || zone, 'epoch', 0, '{}', bucket_of('in ' || zone) FROM unnest($1::text[]) AS z (zone)`,
    [zones],
  );
  await digests.postgres.query(
    `INSERT INTO device (user_id, device_id, platform, timezone, bucket)
     SELECT 'in ' || zone, 'phone', 'ios', zone, bucket_of('in ' || zone) FROM unnest($1::text[]) AS z (zone)`,
    [zones],
  );
  await digests.worker().plan();
  for (let hour = 0; hour < 24 * 3; hour += 1) {
    digests.clock.time = new Date(digests.clock.time.getTime() + 3_600_000);
    digests.dying.dyingAt = ([2, 3, 4, 'commit'] as const)[hour % 4];
    await digests
      .worker(digests.dying)
      .run(20)
      .catch(() => undefined);
    await digests.worker().run(50);
  }
  const wrong = await digests.postgres.query(
    `SELECT user_id, count(*)::int, min(local_date), max(local_date) FROM digest_run GROUP BY user_id
     HAVING count(*) < 2 OR count(*) <> max(local_date)::date - min(local_date)::date + 1`,
  );
  expect(
    await digests.postgres.query('SELECT FROM digest_plan WHERE next_run_at <= $1', [digests.clock.time]),
  ).toEqual([]);
  expect(wrong).toEqual([]);
  expect(
    await digests.postgres.query('SELECT count(DISTINCT user_id)::int AS users FROM digest_run'),
  ).toEqual([{ users: zones.length }]);
}, 60_000);
