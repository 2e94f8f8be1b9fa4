import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readAudit } from '../../support/audit.js';
import { CAMPAIGN_TEMPLATE } from '../../support/cases/campaign-template.js';
import { BECAUSE, CampaignOffice } from '../../support/drivers/campaign-office.js';
import { followLink } from '../../support/drivers/mail-link.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import { type FakeMailServer, startFakeMailServer } from '../../support/fakes/fake-mail-server.js';

let office: CampaignOffice;
let mailServer: FakeMailServer;
beforeAll(async () => {
  mailServer = await startFakeMailServer();
  office = await CampaignOffice.open({
    PUBLIC_URL: 'https://usher.example.com',
    SMTP_URL: mailServer.url,
    SMTP_FROM: 'Usher <no-reply@usher.example.com>',
  });
  await office.put('/v1/templates/advent', CAMPAIGN_TEMPLATE);
  await office.put('/v1/audiences/everyone', { rule: { everyone: true } });
});
afterAll(async () => {
  await office.stop();
  await mailServer.close();
});

const CAMPAIGN = {
  template: { name: 'advent', data: { city: 'Berlin' } },
  audiences: ['everyone'],
  channels: ['push', 'email'],
  startAt: '2026-01-01T00:00:00Z',
};

/** Returns what the user’s timeline says of a campaign. */
const campaignStepOf = async (userId: string) => {
  const { timeline } = (await office.call('GET', `/v1/users/${userId}/timeline`)).body as {
    timeline: { step: string }[];
  };
  return timeline.find(({ step }) => step === 'campaign');
};

describe('a campaign', () => {
  test('is approved by another one than its author, and is a draft again when it is rewritten', async () => {
    const draft = await office.put('/v1/campaigns/moves', CAMPAIGN);
    expect(draft).toMatchObject({
      state: 'draft',
      author: { kind: 'key', id: 'bootstrap' },
      campaign: { template: { name: 'advent', version: 1 }, exclusions: [] },
    });
    expectProblem(await office.act('moves', 'approve'), 403, 'same_person');
    expectProblem(await office.act('moves', 'schedule'), 409, 'illegal_move');
    expect((await office.approveAsColleague('moves')).body).toMatchObject({
      state: 'approved',
      approver: { name: 'colleague' },
    });
    const { state, approver } = await office.put('/v1/campaigns/moves', { ...CAMPAIGN, channels: ['email'] });
    expect([state, approver]).toEqual(['draft', null]);
    expectProblem(await office.call('POST', '/v1/campaigns/moves/abort'), 400, 'invalid_request');
    expect((await office.act('moves', 'abort')).body).toMatchObject({ state: 'aborted' });
    expectProblem(await office.call('PUT', '/v1/campaigns/moves', CAMPAIGN), 409, 'illegal_move');
    expect(await readAudit(office.usher, 'action=campaign.approve&limit=1')).toMatchObject([
      { target: { kind: 'campaign', id: 'moves' }, before: { state: 'draft' }, after: { state: 'approved' } },
    ]);
    expect(await readAudit(office.usher, 'action=campaign.abort&limit=1')).toMatchObject([
      { reason: 'case 4711' },
    ]);
  });

  test.each([
    ['an unknown audience', { audiences: ['nowhere'] }, 400, 'invalid_request'],
    ['an audience that is also left out', { exclusions: ['everyone'] }, 400, 'invalid_request'],
    ['an unknown template', { template: { name: 'nothing' } }, 422, 'unknown_template'],
    ['a version that is not there', { template: { name: 'advent', version: 9 } }, 422, 'unknown_template'],
    [
      'a goal that nobody does',
      { goal: { eventType: 'digest.ready', withinHours: 1 } },
      400,
      'invalid_request',
    ],
    ['a channel without words', { channels: ['sms'] }, 422, 'unknown_template'],
  ])('with %s is refused', async (_, changes, status, code) => {
    expectProblem(await office.call('PUT', '/v1/campaigns/wrong', { ...CAMPAIGN, ...changes }), status, code);
  });

  test('that has expired before it would begin is not scheduled', async () => {
    await office.put('/v1/campaigns/late', { ...CAMPAIGN, expiresAt: '2026-01-02T00:00:00Z' });
    await office.approveAsColleague('late');
    expectProblem(await office.act('late', 'schedule'), 400, 'invalid_request');
  });

  test('reaches each member in the words of its version, although another one is published meanwhile', async () => {
    await office.put('/v1/audiences/mailed', {});
    await office.addMail('mailed-1');
    await office.addMail('mailed-2');
    await office.addMail('mailed-3', 'mailed-2@Example.com');
    await office.upload('mailed', [
      { userId: 'mailed-1', data: { city: 'Bonn' } },
      { userId: 'mailed-2' },
      { userId: 'mailed-3' },
      { userId: 'mailed-4' },
    ]);
    await office.put('/v1/campaigns/mails', {
      ...CAMPAIGN,
      audiences: ['mailed'],
      goal: { eventType: 'show.started', withinHours: 72 },
    });
    const again = structuredClone(CAMPAIGN_TEMPLATE);
    again.locales.en.email.subject = 'Another one';
    await office.put('/v1/templates/advent', again);
    const { body: forecast } = await office.call('POST', '/v1/campaigns/mails/dry-run');
    expect(forecast).toMatchObject({
      members: { size: 4, margin: 0, isExact: true },
      queued: { email: 3 },
      skipped: { no_address: 1 },
      rates: [{ name: 'email', messages: 3, perSecond: 100, seconds: 1 }],
      throughAt: expect.any(String),
    });
    await office.begin('mails');
    const done = await office.until('mails', 'done');
    expect(done.counts).toEqual({
      audience: 4,
      duplicates: { users: 0, addresses: 1 },
      members: 4,
      pending: 0,
      queued: { email: 2 },
      skipped: { duplicate_address: 1, no_address: 1 },
      converted: 0,
    });
    const mails = await eventually('both mails', () => {
      const found = mailServer.mails.filter(({ to }) => to.startsWith('mailed-'));
      return found.length === 2 ? found : undefined;
    });
    expect(mails.map(({ to, headers }) => [to, headers['subject']]).toSorted()).toEqual([
      ['mailed-1@example.com', 'Mail from Bonn'],
      ['mailed-2@example.com', 'Mail from Berlin'],
    ]);
    await followLink(office.usher.url, mails[0]?.source ?? '');
    const tapped = `campaign=mails&kind=tapped&groupBy=template&from=${new Date(Date.now() - 86_400_000).toISOString()}`;
    await eventually('the tap is counted for the campaign and its template', async () => {
      const { body } = await office.call('GET', `/v1/analytics/engagement?${tapped}`);
      const [series] = body.series as { group: string; total: number }[];
      return series?.group === 'advent' && series.total === 1;
    });
    await eventually('the outcomes are told', async () => {
      const { outcomes } = await office.read('mails');
      return JSON.stringify(outcomes) === '[{"channel":"email","state":"sent","count":2}]';
    });
    expect((await office.call('GET', '/v1/campaigns/mails/members/mailed-4')).body).toMatchObject({
      state: 'skipped',
      reason: 'no_address',
      audience: 'mailed',
    });
    expectProblem(await office.call('GET', '/v1/campaigns/mails/members/nobody'), 404, 'not_found');
    const started = { userId: 'mailed-1', type: 'show.started', tier: 'important', key: 'show', data: {} };
    await eventually('what it hopes for is counted', async () => {
      await office.usher.backOffice.publish([started, { ...started, userId: 'mailed-4' }]);
      const counts = (await office.read('mails')).counts as { converted: number };
      return counts.converted === 1;
    });
    expect(await campaignStepOf('mailed-1')).toMatchObject({
      campaign: 'mails',
      state: 'queued',
      channel: 'email',
      eventId: expect.any(String),
      convertedAt: expect.any(String),
      explanation: expect.stringContaining('It was sent by email'),
    });
    expect(await campaignStepOf('mailed-4')).toMatchObject({
      state: 'skipped',
      reason: 'no_address',
      convertedAt: null,
      explanation: expect.stringContaining('could the user be reached'),
    });
    const { body: listed } = await office.call('GET', '/v1/campaigns?limit=1');
    expect(listed).toMatchObject({ campaigns: [{ name: 'mails', state: 'done' }], next: expect.any(String) });
  });

  test('shows what one user would get, and is sent to who tries it, which counts nowhere', async () => {
    await office.addMail('tester');
    await office.put('/v1/campaigns/tried', CAMPAIGN);
    const preview = (body: object) => office.call('POST', '/v1/campaigns/tried/preview', body);
    expect((await preview({ userId: 'tester', data: { city: 'Ulm' } })).body).toMatchObject({
      isMember: true,
      channel: 'email',
      reason: null,
      fault: null,
      words: { push: { title: 'Advent in Ulm' }, email: { text: 'Two for one' } },
    });
    expect((await preview({ userId: 'stranger', data: { city: 7 } })).body).toMatchObject({
      isMember: false,
      channel: null,
      reason: 'no_address',
      fault: expect.stringContaining('city'),
    });
    const { status, body } = await office.call('POST', '/v1/campaigns/tried/test', { userId: 'tester' });
    expect([status, body]).toEqual([
      202,
      { userId: 'tester', channel: 'email', eventId: expect.any(String) },
    ]);
    await eventually('the mail', () => mailServer.mails.some(({ to }) => to === 'tester@example.com'));
    expect(await office.read('tried')).toMatchObject({
      state: 'draft',
      counts: { members: 0 },
      outcomes: [],
    });
    expectProblem(
      await office.call('POST', '/v1/campaigns/tried/test', { userId: 'stranger' }),
      409,
      'conflict',
    );
    const [entry] = (await office.usher.state('tester')).entries;
    expect(entry).toMatchObject({ type: 'campaign.message', data: { campaign: 'tried', isTest: true } });
  });
});

test('who is erased is on no list and in no campaign', async () => {
  await office.put('/v1/audiences/erased', {});
  await office.addMail('gone');
  await office.upload('erased', [{ userId: 'gone' }, { userId: 'stays' }]);
  await office.put('/v1/campaigns/erasing', { ...CAMPAIGN, audiences: ['erased'] });
  await office.begin('erasing');
  await office.until('erasing', 'done');
  expect((await office.call('DELETE', '/v1/users/gone', undefined, BECAUSE)).status).toBeLessThan(300);
  await eventually('the person is erased', async () => {
    const rows = await office.usher.database.query(
      `SELECT FROM audience_member WHERE user_id = 'gone' UNION ALL SELECT FROM campaign_member WHERE user_id = 'gone'
       UNION ALL SELECT FROM campaign_address WHERE campaign = 'erasing'`,
    );
    return rows.length === 0;
  });
  expect((await office.call('GET', '/v1/audiences/erased')).body).toMatchObject({ members: 1 });
});

test('who is erased is not named as the last one that a campaign looked at', async () => {
  await office.put('/v1/audiences/looked-at', {});
  await office.upload('looked-at', [{ userId: 'stays' }, { userId: 'zoe' }]);
  await office.put('/v1/campaigns/looking', { ...CAMPAIGN, audiences: ['looked-at'] });
  await office.begin('looking');
  await office.until('looking', 'done');
  expect((await office.call('DELETE', '/v1/users/zoe', undefined, BECAUSE)).status).toBe(204);
  const progress = await office.usher.database.query(
    `SELECT is_done, found_up_to FROM campaign_progress WHERE campaign = 'looking'`,
  );
  expect(progress).toEqual([{ is_done: true, found_up_to: '' }]);
});
