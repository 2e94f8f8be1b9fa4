import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { AudienceSlicesService } from '../../../src/audiences/slices/audience-slices.service.js';
import { FreezingWorker } from '../../../src/campaigns/members/freezing.worker.js';
import { CampaignSendingService } from '../../../src/campaigns/sending/campaign-sending.service.js';
import { CampaignSendingStore } from '../../../src/campaigns/sending/campaign-sending.store.js';
import { CampaignWorker } from '../../../src/campaigns/sending/campaign.worker.js';
import { OverviewStore } from '../../../src/operations/overview.store.js';
import { BudgetStore } from '../../../src/platform/budgets/budget.store.js';
import { WorkBudget } from '../../../src/platform/budgets/work-budget.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { eventually } from '../../support/eventually.js';
import { campaign } from '../../support/in-process/campaign-rows.js';
import { campaignsInProcess } from '../../support/in-process/campaigns.js';

const {
  query,
  get,
  audience,
  list,
  phone,
  schedule,
  start,
  freeze,
  send,
  membersOf,
  becameOf,
  stateOf,
  endOf,
  countsOf,
} = campaignsInProcess();

test('once a campaign is paused nobody else is told, and once it is resumed everybody is', async () => {
  await audience('all');
  for (let n = 0; n < 10; n += 1) await phone(`user-${n}`);
  await schedule('advent');
  await freeze();
  const store = get(CampaignSendingStore);
  const [running] = await store.running();
  if (!running) throw new Error('it runs');
  const sendFour = () => get(CampaignSendingService).sendSlice(running, 4);
  expect(await sendFour()).toHaveLength(4);
  await query(`UPDATE campaign SET state = 'paused'`);
  expect(await sendFour()).toHaveLength(0);
  expect(await countsOf('advent')).toMatchObject({ pending: 6 });
  await query(`UPDATE campaign SET state = 'running'`);
  await send();
  expect(await countsOf('advent')).toMatchObject({ pending: 0, queued: { push: 10 } });
});

test('a campaign whose exclusion was removed does not begin, and says why', async () => {
  await audience('all');
  await phone('ada');
  await schedule('advent', campaign({ exclusions: ['staff'] }));
  await freeze();
  await send();
  expect(await endOf('advent')).toEqual({
    state: 'approved',
    problem: 'There is no audience staff any more.',
    audited: 'campaign.refuse',
  });
  expect(await membersOf('advent')).toEqual([]);
});

test('a campaign keeps the rules that it began with', async () => {
  await audience('some', { timezone: ['Asia/Tokyo'] });
  await phone('ada', { timezone: 'Asia/Tokyo' });
  await phone('ben');
  await schedule('advent', campaign({ audiences: ['some'] }));
  await start();
  await query(`UPDATE audience SET rule = '{"everyone":true}'`);
  await freeze();
  await send();
  expect(await becameOf('advent')).toEqual({ ada: 'push' });
});

test('a node of a version before goes on with what a newer one has begun, by the names that it knows', async () => {
  await audience('all');
  await phone('ada');
  await schedule('advent');
  await start();
  const begun = await query(
    `SELECT w.position, w.walked_to AS "foundUpTo" FROM campaign c JOIN campaign_walk w ON w.campaign = c.name
     WHERE c.name = 'advent' AND NOT w.is_done ORDER BY w.position LIMIT 1 FOR UPDATE OF w SKIP LOCKED`,
  );
  expect(begun).toEqual([{ position: 0, foundUpTo: '' }]);
  await query(`INSERT INTO campaign_walk (campaign, position, selection) VALUES ('advent', 1, '{}')`);
  await query(
    `UPDATE campaign_walk SET walked_to = 'ada', is_done = true, advanced_at = now() WHERE campaign = 'advent' AND position = 0`,
  );
  expect(
    await query('SELECT position, found_up_to, is_done FROM campaign_progress ORDER BY position'),
  ).toEqual([
    { position: 0, found_up_to: 'ada', is_done: true },
    { position: 1, found_up_to: '', is_done: false },
  ]);
});

describe('while members are found', () => {
  const excludeBen = async () => {
    await audience('all');
    await list('staff', { ben: null });
    await phone('ada');
    await phone('ben');
    await schedule('advent', campaign({ exclusions: ['staff'] }));
    await start();
  };
  const staffIsGone = {
    state: 'paused',
    problem: 'There is no list staff any more, as it was at the start.',
    audited: 'campaign.halt',
  };

  test('a list that is removed pauses the campaign: nobody is told who was to be left out', async () => {
    await excludeBen();
    await query(`UPDATE audience SET is_removed = true WHERE name = 'staff'`);
    await query(`DELETE FROM audience_member WHERE audience = 'staff'`);
    await freeze();
    await send();
    expect(await membersOf('advent')).toEqual([]);
    expect(await endOf('advent')).toEqual(staffIsGone);
  });

  test('and so does another one that has its name', async () => {
    await excludeBen();
    await query(`DELETE FROM audience WHERE name = 'staff'`);
    await query(`DELETE FROM audience_member WHERE audience = 'staff'`);
    await audience('staff', null);
    await freeze();
    expect(await membersOf('advent')).toEqual([]);
    expect(await endOf('advent')).toEqual(staffIsGone);
  });

  test('a list is not removed in the middle of a slice', async () => {
    await excludeBen();
    const held = get(Database).transaction('routine', async (tx) => {
      const slices = get(AudienceSlicesService);
      const staff = { name: 'staff', rule: null };
      expect(await slices.holdLists(tx, { audience: { name: 'all', rule: {} }, without: [staff] })).toBe(
        undefined,
      );
      const removal = `SET lock_timeout = '1ms'; UPDATE audience SET is_removed = true WHERE name = 'staff'`;
      return query(removal).then(
        () => 'removed',
        ({ code }: { code: string }) => code,
      );
    });
    expect(await held).toBe('55P03');
  });

  test('whoever comes on a list is left out by it, and is no member by it', async () => {
    await list('winners', { ada: null, ben: null });
    await list('staff', {});
    await schedule('advent', campaign({ audiences: ['winners'], exclusions: ['staff'] }));
    await start();
    // A second later: the start is known to the millisecond, and a quick machine comes to this within one.
    await query(
      `INSERT INTO audience_member (audience, user_id, bucket, added_at)
       VALUES ('winners', 'cem', bucket_of('cem'), now() + interval '1 second'), ('staff', 'ben', bucket_of('ben'), now() + interval '1 second')`,
    );
    await freeze();
    expect(await becameOf('advent')).toEqual({ ada: 'pending' });
  });
});

describe('a campaign that fails', () => {
  /** PostgreSQL says that it takes too long to write members of the campaign `broken`. */
  const takesTooLong = () =>
    query(
      `CREATE OR REPLACE FUNCTION takes_too_long() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014'; END $$;
       CREATE TRIGGER takes_too_long BEFORE INSERT ON campaign_member FOR EACH ROW WHEN (NEW.campaign = 'broken') EXECUTE FUNCTION takes_too_long()`,
    );
  const isMended = () => query('DROP TRIGGER IF EXISTS takes_too_long ON campaign_member');
  afterEach(isMended);
  const failuresOf = async () =>
    (await query(`SELECT failures, retry_at > now() AS "isPutOff" FROM campaign WHERE name = 'broken'`))[0];
  const run = async () => {
    await query(`UPDATE campaign SET retry_at = now() - interval '1 millisecond'`);
    await get(FreezingWorker).runOnce();
  };
  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    await audience('all');
    await phone('ada');
    await schedule('broken');
    await schedule('well');
    await takesTooLong();
  });

  test('holds up no other one, and goes on by itself once it can', async () => {
    await run();
    expect(await failuresOf()).toEqual({ failures: 1, isPutOff: true });
    expect(await becameOf('well')).toEqual({ ada: 'pending' });
    expect((await query(`SELECT frozen_at FROM campaign WHERE name = 'well'`))[0]).toEqual({
      frozen_at: expect.any(Date),
    });
    await get(FreezingWorker).runOnce();
    expect(await failuresOf()).toMatchObject({ failures: 1 });
    await isMended();
    await run();
    expect(await failuresOf()).toEqual({ failures: 0, isPutOff: null });
    expect(await becameOf('broken')).toEqual({ ada: 'pending' });
  });

  test('is paused after several failures in a row, and says why', async () => {
    for (let failure = 0; failure < 8; failure += 1) {
      expect(await stateOf('broken')).not.toBe('paused');
      await run();
    }
    expect(await endOf('broken')).toEqual({
      state: 'paused',
      problem: expect.stringContaining('8 times'),
      audited: 'campaign.halt',
    });
  });
});

test('a small campaign beside a large one is through before it', async () => {
  const crowd = async (name: string, size: number) => {
    await audience(name, null);
    await query(
      `INSERT INTO audience_member (audience, user_id, bucket) SELECT $1, $1 || n, bucket_of($1 || n) FROM generate_series(1, $2::int) n`,
      [name, size],
    );
    await schedule(name, campaign({ audiences: [name] }));
  };
  await crowd('large', 1_000);
  await crowd('small', 50);
  await freeze();
  await get(CampaignWorker).runOnce();
  expect(await stateOf('small')).toBe('done');
  // A slice is a hundred members. How many of them a run has depends on how quick the machine is.
  const [before] = await query<{ count: number }>(
    `SELECT count(*)::int AS count FROM campaign_member WHERE campaign = 'large'
     AND settled_at <= (SELECT max(settled_at) FROM campaign_member WHERE campaign = 'small')`,
  );
  expect(before?.count).toBeLessThanOrEqual(100);
});

test('a campaign whose slices take too long is sent in smaller ones, which is no failure of it, and holds up no other one', async () => {
  await audience('all');
  for (let n = 0; n < 40; n += 1) await phone(`user-${n}`);
  await schedule('broken');
  await schedule('well');
  await freeze();
  await query(
    `CREATE FUNCTION takes_too_long_for_many() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF (SELECT count(*) FROM written WHERE campaign = 'broken') > 15
       THEN RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014'; END IF;
       RETURN NULL;
     END $$;
     CREATE TRIGGER takes_too_long_for_many AFTER UPDATE ON campaign_member REFERENCING NEW TABLE AS written
       FOR EACH STATEMENT EXECUTE FUNCTION takes_too_long_for_many()`,
  );
  const budget = new WorkBudget(get(BudgetStore), 'campaigns', 200);
  await eventually('all that a second allows is there', async () => {
    const granted = await budget.take(200);
    await budget.giveBack(granted);
    return granted === 200;
  });
  try {
    await get(CampaignWorker).runOnce();
    expect([await stateOf('well'), await stateOf('broken')]).toEqual(['done', 'running']);
    await eventually('it is sent', async () => {
      await get(CampaignWorker).runOnce();
      return (await stateOf('broken')) === 'done';
    });
    expect(await query(`SELECT failures, problem FROM campaign WHERE name = 'broken'`)).toEqual([
      { failures: 0, problem: null },
    ]);
  } finally {
    await query('DROP FUNCTION takes_too_long_for_many CASCADE');
  }
});

test('a campaign that stands still is reported, and one that waits for people', async () => {
  const read = async () => {
    const { campaignIdle, stoppedCampaigns } = await get(OverviewStore).readOldest([]);
    return { idle: campaignIdle, stopped: stoppedCampaigns };
  };
  const standStill = (column: string, table: string) =>
    query(`UPDATE ${table} SET ${column} = now() - interval '1 hour'`);
  const hour = expect.closeTo(3_600, -2);
  await audience('all');
  await phone('ada');
  expect(await read()).toEqual({ idle: null, stopped: 0 });
  await schedule('advent', campaign(), { startsAt: new Date(Date.now() - 3_600_000).toISOString() });
  expect(await read()).toEqual({ idle: hour, stopped: 0 });
  await start();
  expect(await read()).toEqual({ idle: expect.closeTo(0, -2), stopped: 0 });
  await standStill('advanced_at', 'campaign_progress');
  await standStill('updated_at', 'campaign');
  expect(await read()).toEqual({ idle: hour, stopped: 0 });
  await freeze();
  await query(`UPDATE campaign_member SET due_at = now()`);
  expect(await read()).toEqual({ idle: expect.closeTo(0, -2), stopped: 0 });
  await standStill('due_at', 'campaign_member');
  expect(await read()).toEqual({ idle: hour, stopped: 0 });
  await send();
  expect(await read()).toEqual({ idle: null, stopped: 0 });
  await query(`UPDATE campaign SET state = 'paused', problem = 'There is no list staff any more.'`);
  expect(await read()).toEqual({ idle: null, stopped: 1 });
});
