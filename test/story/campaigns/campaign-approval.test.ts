import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CAMPAIGN_TEMPLATE } from '../../support/cases/campaign-template.js';
import { CampaignOffice } from '../../support/drivers/campaign-office.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import { isWaitingForLock } from '../../support/infrastructure/locks.js';

let office: CampaignOffice;
beforeAll(async () => {
  office = await CampaignOffice.open();
  await office.put('/v1/templates/advent', CAMPAIGN_TEMPLATE);
  await office.put('/v1/audiences/everyone', { rule: { everyone: true } });
});
afterAll(() => office.stop());

const CAMPAIGN = {
  template: { name: 'advent', data: { city: 'Berlin' } },
  audiences: ['everyone'],
  channels: ['push', 'email'],
  startAt: '2026-01-01T00:00:00Z',
};

describe('a campaign', () => {
  test('that is rewritten while it is being approved is not approved: its approver has not seen what it says now', async () => {
    await office.put('/v1/campaigns/rewritten', CAMPAIGN);
    const rewrite = (city: string) =>
      office.usher.database.holdTransaction(
        `UPDATE campaign SET body = jsonb_set(body::jsonb, '{template,data,city}', to_jsonb($1::text)) WHERE name = 'rewritten'`,
        [city],
      );
    const release = await rewrite('Paris');
    const approval = office.approveAsColleague('rewritten');
    await eventually('the approval waits', () => isWaitingForLock(office.usher.database));
    await release('COMMIT');
    expectProblem(await approval, 409, 'conflict');
    expect(await office.read('rewritten')).toMatchObject({ state: 'draft', approver: null });
    expect((await office.approveAsColleague('rewritten')).body).toMatchObject({ state: 'approved' });
  });

  test('that was rewritten since its approver read it is not approved, when the approver says when that was', async () => {
    const { updatedAt: read } = await office.put('/v1/campaigns/reread', CAMPAIGN);
    const { updatedAt: now } = await office.put('/v1/campaigns/reread', { ...CAMPAIGN, channels: ['email'] });
    const approve = (updatedAt: unknown) =>
      office.approveAsColleague('reread', `?updatedAt=${String(updatedAt)}`);
    expectProblem(await approve('yesterday'), 400, 'invalid_request');
    expectProblem(await approve(read), 409, 'conflict');
    expect(await office.read('reread')).toMatchObject({ state: 'draft', approver: null });
    expect((await approve(now)).body).toMatchObject({ state: 'approved' });
  });
});
