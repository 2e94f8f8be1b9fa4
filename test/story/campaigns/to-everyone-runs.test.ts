import { describe, expect, test } from '@jest/globals';
import { CampaignActsService } from '../../../src/campaigns/definitions/campaign-acts.service.js';
import { CampaignsService } from '../../../src/campaigns/definitions/campaigns.service.js';
import { OverviewStore } from '../../../src/operations/overview.store.js';
import { byTest } from '../../support/audit.js';
import { campaign } from '../../support/in-process/campaign-rows.js';
import { campaignsInProcess } from '../../support/in-process/campaigns.js';

const { query, get, dieAt, phone, schedule, start, freeze, send, membersOf, eventsOf, stateOf, endOf } =
  campaignsInProcess();

describe('a campaign to everyone', () => {
  const notice = () => schedule('notice', campaign({ to: 'everyone', audiences: [], channels: ['app'] }));
  const act = (what: 'abort' | 'pause' | 'resume') => get(CampaignActsService).act(what, 'notice', byTest);
  const broadcasts = () =>
    query<{ id: string; withdrawn: boolean }>(
      `SELECT id, withdrawn_at IS NOT NULL AS withdrawn FROM broadcast WHERE key = 'campaign:notice'`,
    );
  const read = async () => {
    const { state, problem, broadcastId } = await get(CampaignsService).find('notice');
    return { state, problem, broadcastId };
  };
  /** Does the work again and again, killed at each statement in turn, and looks at what is stored after each death. Returns where it died. */
  async function killed(work: () => Promise<unknown>, look: () => Promise<void>): Promise<unknown[]> {
    const died: unknown[] = [];
    for (const dyingAt of ['commit', 1, 2, 3, 4, 5, 6, 7, 8, undefined] as const) {
      dieAt(dyingAt);
      await work().catch(() => died.push(dyingAt));
      dieAt(undefined);
      await look();
    }
    return died;
  }
  const fillLog = (count: number) =>
    query(
      `INSERT INTO broadcast (number, id, type, data, sample, expires_at, key_id)
       SELECT -n, gen_random_uuid(), 'notice', '{}', 1, now() + interval '1 hour', 'key' FROM generate_series(1, $1::int) n`,
      [count],
    );

  test('is one broadcast, although its worker is killed at any statement, or at the commit', async () => {
    await phone('ada');
    await notice();
    const died = await killed(start, async () => {
      const [published] = await broadcasts();
      expect(await read()).toEqual({
        state: published ? 'running' : 'scheduled',
        problem: null,
        broadcastId: published?.id ?? null,
      });
    });
    expect(died).toEqual(['commit', 1, 2, 3, 4, 5, 6, 7]);
    await freeze();
    await send();
    expect(await broadcasts()).toEqual([{ id: expect.any(String), withdrawn: false }]);
    expect([await membersOf('notice'), await eventsOf('ada')]).toEqual([[], []]);
  });

  test('runs as long as devices are sent it', async () => {
    await notice();
    await freeze();
    await send();
    expect(await stateOf('notice')).toBe('running');
    expect((await get(OverviewStore).readOldest([])).campaignIdle).toBeNull();
    await expect(act('pause')).rejects.toMatchObject({
      code: 'illegal_move',
      detail: expect.stringContaining('withdraws'),
    });
    await query(`UPDATE broadcast SET expires_at = now() - interval '1 millisecond'`);
    await send();
    expect(await stateOf('notice')).toBe('done');
  });

  test('is withdrawn by the act that aborts it, or neither happens', async () => {
    await notice();
    await start();
    const died = await killed(
      async () => {
        if ((await read()).state === 'running') await act('abort');
      },
      async () => {
        const [{ withdrawn } = { withdrawn: undefined }] = await broadcasts();
        expect([withdrawn, await stateOf('notice')]).toEqual(
          withdrawn ? [true, 'aborted'] : [false, 'running'],
        );
      },
    );
    expect(died).toEqual(['commit', 1, 2, 3, 4, 5, 6, 7]);
    const [{ id } = { id: '' }] = await broadcasts();
    const audited = await query(
      `SELECT action, target_id FROM audit_entry WHERE target_id IN ('notice', $1) AND action LIKE '%.abort' OR action = 'broadcast.withdraw' ORDER BY action`,
      [id],
    );
    expect(audited).toEqual([
      { action: 'broadcast.withdraw', target_id: id },
      { action: 'campaign.abort', target_id: 'notice' },
    ]);
  });

  test('that is aborted before its time is never published', async () => {
    await notice();
    await act('abort');
    await freeze();
    await send();
    expect([await broadcasts(), await stateOf('notice')]).toEqual([[], 'aborted']);
  });

  test('waits for people when too many broadcasts are in force, and is published once it is resumed', async () => {
    await fillLog(100);
    await notice();
    await freeze();
    await send();
    const tooMany = {
      state: 'paused',
      problem: 'There may be 100 broadcasts in force.',
      audited: 'campaign.halt',
    };
    expect([await broadcasts(), await endOf('notice')]).toEqual([[], tooMany]);
    await act('resume');
    await freeze();
    await send();
    expect([await broadcasts(), await endOf('notice')]).toEqual([[], tooMany]);
    await query('DELETE FROM broadcast WHERE number = -1');
    await act('resume');
    await freeze();
    await send();
    const [published] = await broadcasts();
    expect(await read()).toEqual({ state: 'running', problem: null, broadcastId: published?.id });
    expect(published).toBeDefined();
  });

  test('is published although a node of a version before had it begin, which knows only members and finds none', async () => {
    await notice();
    await query(`UPDATE campaign SET state = 'running', started_at = clock_timestamp(), updated_at = now()`);
    const isThrough = `UPDATE campaign c SET frozen_at = now() WHERE c.state = 'running' AND c.frozen_at IS NULL
      AND NOT EXISTS (SELECT FROM campaign_walk w WHERE w.campaign = c.name AND NOT w.is_done)`;
    await expect(query(isThrough)).rejects.toThrow('campaign_is_published_check');
    await freeze();
    await send();
    expect([await broadcasts(), await stateOf('notice')]).toEqual([
      [{ id: expect.any(String), withdrawn: false }],
      'running',
    ]);
  });

  test('that has expired meanwhile is not published, and says so', async () => {
    await notice();
    await query(`UPDATE campaign SET expires_at = now() - interval '1 millisecond'`);
    await freeze();
    await send();
    expect([await broadcasts(), await endOf('notice')]).toEqual([
      [],
      { state: 'approved', problem: 'It expired before it was published.', audited: 'campaign.refuse' },
    ]);
  });
});
