import { expect, test } from '@jest/globals';
import { campaignErasure } from '../../../src/campaigns/campaigns.erasure.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { ErasureStore } from '../../../src/platform/retention/erasure.store.js';
import { campaignsInProcess } from '../../support/in-process/campaigns.js';

const { query, get, audience, phone, schedule, freeze, membersOf, countsOf } = campaignsInProcess();

test('who is erased is not named as the last one that was looked at, and a campaign goes on where it was', async () => {
  await audience('all');
  for (const userId of ['ada', 'ben', 'cy']) await phone(userId);
  await schedule('advent');
  await freeze();
  // As if the slice had ended with ben.
  await query(`DELETE FROM campaign_member WHERE user_id = 'cy'`);
  await query(`UPDATE campaign_progress SET found_up_to = 'ben', is_done = false`);
  await query(`UPDATE campaign SET frozen_at = NULL`);
  await new ErasureStore(get(Database), [campaignErasure]).erase('ben', () => Promise.resolve());
  expect(await query('SELECT found_up_to FROM campaign_progress')).toEqual([{ found_up_to: 'ada' }]);
  await query(`DELETE FROM device WHERE user_id = 'ben'`);
  await freeze();
  expect((await membersOf('advent')).map(({ user_id }) => user_id)).toEqual(['ada', 'cy']);
  expect(await countsOf('advent')).toMatchObject({ duplicates: { users: 0 } });
});
