import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { DigestsInProcess, newUser } from '../../support/in-process/digests.js';

let digests: DigestsInProcess;
beforeAll(async () => {
  digests = await DigestsInProcess.start();
});
afterAll(() => digests.stop());
beforeEach(() => digests.clear());

/** How many statements wait for a lock. */
const lockWaits = async () =>
  (
    await digests.postgres.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
  ).length;

describe('a digest', () => {
  test('ends for a user who no longer chooses it, begins again when it is chosen, and says so', async () => {
    digests.at('2026-11-20T12:00:00Z');
    await digests.define();
    const userId = newUser();
    await digests.choose(userId);
    await digests.worker().plan();
    await digests.choose(userId, 'immediate');
    digests.at('2026-11-20T17:30:00Z');
    await digests.worker().run();
    expect(await digests.runsOf(userId)).toEqual([
      { local_date: '2026-11-20', state: 'skipped', events: 0, reason: 'preference' },
    ]);
    await digests.choose(userId);
    await digests.worker().plan();
    digests.at('2026-11-21T17:30:00Z');
    await digests.worker().run();
    expect(await digests.datesOf(userId)).toEqual(['2026-11-20', '2026-11-21']);
  });

  test('goes on for a user who chooses it again while it is due', async () => {
    digests.at('2026-11-20T12:00:00Z');
    await digests.define();
    const userId = newUser();
    await digests.choose(userId);
    await digests.worker().plan();
    await digests.choose(userId, 'off');
    await digests.worker().plan();
    digests.at('2026-11-20T17:30:00Z');
    // The worker has read that it is not wanted, and cannot write yet what follows.
    const release = await digests.postgres.holdTransaction('LOCK TABLE digest_run IN EXCLUSIVE MODE');
    const run = digests.worker().run();
    await eventually('the worker has claimed it', async () => (await lockWaits()) === 1);
    let isChosen = false;
    const chosen = digests.choose(userId).then(() => void (isChosen = true));
    await eventually('the choice is made, or waits', async () => isChosen || (await lockWaits()) === 2);
    await release();
    await Promise.all([run, chosen]);
    await digests.worker().plan();
    digests.at('2026-11-21T17:30:00Z');
    await digests.worker().run();
    expect((await digests.runsOf(userId)).map(({ local_date, state }) => [local_date, state])).toEqual([
      ['2026-11-20', 'skipped'],
      ['2026-11-21', 'empty'],
    ]);
  });

  test('keeps its plan when other preferences change, unless it is due: then a claim that saw those of before must not end it', async () => {
    digests.at('2126-11-20T12:00:00Z');
    await digests.define();
    const userId = newUser();
    await digests.choose(userId);
    await digests.worker().plan();
    const plan = async () =>
      (
        await digests.postgres.query<{ version: string; due: string }>(
          'SELECT xmin AS version, next_run_at::text AS due FROM digest_plan WHERE user_id = $1',
          [userId],
        )
      )[0];
    const before = await plan();
    await digests.choose(userId);
    expect(await plan()).toEqual(before);
    await digests.postgres.query('UPDATE digest_plan SET next_run_at = now() WHERE user_id = $1', [userId]);
    await digests.choose(userId);
    expect((await plan())?.due).toBe('-infinity');
    await digests.worker().plan();
    expect((await plan())?.due).toBe(before?.due);
  });

  test('for everyone reaches users of before and after it was defined, but those who want nothing of it; it ends with its definition', async () => {
    digests.at('2026-11-20T12:00:00Z');
    const [before, after, other] = [newUser(), newUser(), newUser()];
    await digests.publish(before, ['one']);
    await digests.define({ optIn: false });
    await digests.worker().plan();
    await digests.publish(after, ['two']);
    await digests.publish(before, ['three']);
    await digests.publish(other, ['four']);
    await digests.choose(other, 'off');
    await digests.worker().plan();
    digests.at('2026-11-20T17:30:00Z');
    await digests.worker().run();
    expect((await digests.runsOf(before))[0]).toMatchObject({ state: 'handed_off', events: 1 });
    expect((await digests.runsOf(after))[0]).toMatchObject({ state: 'handed_off', events: 1 });
    expect((await digests.runsOf(other))[0]).toMatchObject({ state: 'skipped', reason: 'preference' });
    await digests.remove();
    await digests.worker().plan();
    expect(await digests.postgres.query('SELECT FROM digest_plan')).toEqual([]);
    expect(await digests.postgres.query('SELECT FROM digest_definition')).toEqual([]);
  });
});
