import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { GoalsService } from '../../../src/campaigns/goals/goals.service.js';
import { MailboxService } from '../../../src/mailbox/mailbox.service.js';
import { campaign } from '../../support/in-process/campaign-rows.js';
import { campaignsInProcess } from '../../support/in-process/campaigns.js';

const { query, get, dieAt, list, phone, schedule, freeze, send, countsOf } = campaignsInProcess();

describe('what a campaign hopes for', () => {
  const goal = { eventType: 'show.started', withinHours: 72 };
  const happens = (type: string, ...userIds: string[]) =>
    get(MailboxService).publish(userIds.map((userId) => ({ userId, type, tier: 'important', data: {} })));
  beforeEach(async () => {
    await list('some', { ada: null, ben: null, cem: null });
    await Promise.all(['ada', 'ben'].map((userId) => phone(userId)));
    await schedule('advent', campaign({ audiences: ['some'], goal }));
    await get(GoalsService).runOnce();
    await freeze();
  });
  const converted = async () => (await countsOf('advent')).converted;

  test('is counted once for each member who got it, however often it happens', async () => {
    await happens('show.started', 'ada');
    expect(await converted()).toBe(0);
    await send();
    await happens('show.started', 'ada', 'ada', 'cem', 'dan');
    await Promise.all([happens('show.started', 'ada'), happens('show.started', 'ada')]);
    await happens('show.ended', 'ben');
    expect(await converted()).toBe(1);
    const rows = await query(
      'SELECT user_id FROM campaign_member WHERE converted_at IS NOT NULL ORDER BY user_id',
    );
    expect(rows).toEqual([{ user_id: 'ada' }]);
  });

  test('is not counted after its time, nor when the event itself is not stored', async () => {
    await send();
    await query(`UPDATE campaign_member SET settled_at = now() - interval '73 hours' WHERE user_id = 'ada'`);
    await happens('show.started', 'ada');
    dieAt('commit');
    await expect(happens('show.started', 'ben')).rejects.toThrow('killed');
    dieAt(undefined);
    expect(await converted()).toBe(0);
    expect(await query(`SELECT FROM mailbox_entry WHERE type = 'show.started' AND user_id = 'ben'`)).toEqual(
      [],
    );
    await happens('show.started', 'ben');
    expect(await converted()).toBe(1);
  });

  test('never stands in the way of the event: what cannot be counted is logged, and the event is stored', async () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    await send();
    await query(`ALTER TABLE campaign_member ADD CONSTRAINT broken CHECK (converted_at IS NULL)`);
    try {
      await happens('show.started', 'ada');
    } finally {
      await query(`ALTER TABLE campaign_member DROP CONSTRAINT broken`);
    }
    expect(await query(`SELECT user_id FROM mailbox_entry WHERE type = 'show.started'`)).toEqual([
      { user_id: 'ada' },
    ]);
    expect(await converted()).toBe(0);
    expect(logged).toHaveBeenCalledWith(expect.any(Error), 'the goal of a campaign is not counted');
    logged.mockRestore();
  });

  test('costs no statement for events that no campaign hopes for', () => {
    const goals = get(GoalsService);
    expect(['show.started', 'show.ended', 'membership.changed'].map((type) => goals.observes(type))).toEqual([
      true,
      false,
      false,
    ]);
  });
});
