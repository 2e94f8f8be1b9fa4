import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readAudit } from '../../support/audit.js';
import { CAMPAIGN_TEMPLATE } from '../../support/cases/campaign-template.js';
import { BECAUSE, CampaignOffice } from '../../support/drivers/campaign-office.js';
import { expectProblem } from '../../support/expectations.js';

describe('a campaign to everyone', () => {
  const NOTICE = {
    template: { name: 'notice', data: { city: 'Berlin' } },
    to: 'everyone',
    startAt: '2026-01-01T00:00:00Z',
  };
  const { en } = CAMPAIGN_TEMPLATE.locales;
  const german = { push: { title: 'Advent in {{ city }}', body: 'Zwei zum Preis von einem' } };
  const data = {
    campaign: 'notice',
    template: { name: 'notice', version: 1 },
    values: { city: 'Berlin' },
    title: 'Advent in Berlin',
    body: 'Two for one',
    locales: { de: { title: 'Advent in Berlin', body: 'Zwei zum Preis von einem' } },
  };
  const publish = async (type: string) => {
    const reply = await office.call('POST', '/v1/broadcasts', { type, data: {} });
    expect(reply.status).toBe(202);
    return reply.body as unknown as { id: string; number: number };
  };
  let office: CampaignOffice;
  beforeAll(async () => {
    office = await CampaignOffice.open();
    await office.put('/v1/templates/notice', { ...CAMPAIGN_TEMPLATE, locales: { en, de: german } });
    await office.put('/v1/audiences/everyone', { rule: { everyone: true } });
  });
  afterAll(() => office.stop());

  test('is sent once to each device of each user, in order with other broadcasts, and is withdrawn when it is aborted', async () => {
    const devices = await Promise.all(
      ['kim/a', 'kim/b', 'lou/a'].map((id) => office.usher.device(id.slice(0, 3), id.replace('/', '-'))),
    );
    const before = await publish('before');
    await office.put('/v1/campaigns/notice', NOTICE);
    expectProblem(await office.act('notice', 'approve'), 403, 'same_person');
    await office.begin('notice');
    const running = await office.until('notice', 'running');
    expect(running).toMatchObject({
      campaign: { to: 'everyone', audiences: [], exclusions: [], channels: ['app'] },
      frozenAt: expect.any(String),
      counts: { members: 0, queued: {} },
      broadcast: {
        id: running.broadcastId,
        key: 'campaign:notice',
        state: 'in_force',
        data,
        keyId: 'campaign:notice',
      },
    });
    const { number } = running.broadcast as { number: number };
    const after = await publish('after');
    for (const device of devices) {
      await device.waitFor('after');
      expect(device.envelopes().map(({ type, broadcast }) => [type, broadcast])).toEqual([
        ['before', before.number],
        ['campaign.message', number],
        ['after', after.number],
      ]);
      const [event] = device.envelopes('campaign.message');
      expect(event).toMatchObject({
        id: running.broadcastId,
        key: 'campaign:notice',
        tier: 'important',
        data,
      });
    }
    expectProblem(await office.act('notice', 'pause'), 409, 'illegal_move');
    expect((await office.act('notice', 'abort')).body).toMatchObject({ state: 'aborted' });
    expect(await office.read('notice')).toMatchObject({
      state: 'aborted',
      broadcast: { state: 'withdrawn' },
    });
    const withdrawn = await readAudit(office.usher, 'action=broadcast.withdraw&limit=1');
    expect(withdrawn).toMatchObject([{ target: { id: running.broadcastId }, reason: 'case 4711' }]);
    const late = await publish('late');
    const newcomer = await office.usher.device('mia', 'tv');
    await newcomer.waitFor('late', ({ broadcast }) => broadcast === late.number);
    expect(newcomer.envelopes('campaign.message')).toEqual([]);
    for (const device of [...devices, newcomer]) device.close();
    for (const { id } of [before, after, late])
      await office.call('DELETE', `/v1/broadcasts/${id}`, undefined, BECAUSE);
  });

  test('is forecast as one row, shown in the language of a user, and tried by one', async () => {
    await office.put('/v1/campaigns/tried-by-one', NOTICE);
    await office.put('/v1/users/nia/contact', { locale: 'de-AT' });
    const { body: forecast } = await office.call('POST', '/v1/campaigns/tried-by-one/dry-run');
    const { body: all } = await office.call('POST', '/v1/audiences/everyone/estimate');
    expect(forecast).toMatchObject({
      members: { size: all.size, isExact: true },
      queued: {},
      rates: [],
      broadcast: { bytes: expect.any(Number), fault: null },
      throughAt: forecast.startsAt,
    });
    const preview = await office.call('POST', '/v1/campaigns/tried-by-one/preview', { userId: 'nia' });
    expect(preview.body).toMatchObject({
      isMember: true,
      channel: 'app',
      fault: null,
      words: { push: { body: 'Zwei zum Preis von einem' } },
    });
    const withData = { userId: 'nia', data: { city: 'Ulm' } };
    expectProblem(
      await office.call('POST', '/v1/campaigns/tried-by-one/preview', withData),
      400,
      'invalid_request',
    );
    const { status, body } = await office.call('POST', '/v1/campaigns/tried-by-one/test', { userId: 'nia' });
    expect([status, body.channel]).toEqual([202, 'app']);
    const state = (await office.usher.state('nia')) as unknown as {
      entries: unknown[];
      broadcasts: { entries: unknown[] };
    };
    expect(state.entries).toMatchObject([
      { key: 'campaign:tried-by-one:test', data: { ...data, campaign: 'tried-by-one', isTest: true } },
    ]);
    expect(state.broadcasts.entries).toEqual([]);
  });

  test.each([
    ['audiences', { audiences: ['everyone'] }, 'leave out one of the two'],
    ['exclusions', { exclusions: ['everyone'] }, 'the rule { "everyone": true }'],
    ['cap', { cap: { campaigns: 1, withinDays: 7 } }, 'the rule { "everyone": true }'],
    ['goal', { goal: { eventType: 'show.started', withinHours: 1 } }, 'the rule { "everyone": true }'],
    ['startAt', { startAt: { date: '2026-12-06', time: '18:00' } }, 'the rule { "everyone": true }'],
    ['channels', { channels: ['app', 'push'] }, 'the rule { "everyone": true }'],
  ])('has no %s, and says what to do instead', async (field, changes, instead) => {
    const reply = await office.call('PUT', '/v1/campaigns/wrong', { ...NOTICE, ...changes });
    expectProblem(reply, 400, 'invalid_request');
    expect(reply.body.errors).toMatchObject([{ path: field, message: expect.stringContaining(instead) }]);
  });

  test('is refused when it is for nobody, lasts too long, or says too much', async () => {
    const { to: _, ...nobody } = NOTICE;
    expectProblem(await office.call('PUT', '/v1/campaigns/wrong', nobody), 400, 'invalid_request');
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    await office.put('/v1/campaigns/lasting', { ...NOTICE, expiresAt: inDays(31) });
    expect((await office.approveAsColleague('lasting')).status).toBe(200);
    expectProblem(await office.act('lasting', 'schedule'), 400, 'invalid_request');
    const words = { push: { title: 'Advent', body: '語'.repeat(300) } };
    const languages = 'bg cs da de es et fi fr hu it ja ko nl pl pt ro sv tr uk'.split(' ');
    await office.put('/v1/templates/verbose', {
      ...CAMPAIGN_TEMPLATE,
      locales: Object.fromEntries(['en', ...languages].map((locale) => [locale, words])),
    });
    const template = { name: 'verbose', data: { city: 'Berlin' } };
    await office.put('/v1/campaigns/verbose', { ...NOTICE, template });
    const tooMuch = expect.stringContaining('16384');
    const { body: forecast } = await office.call('POST', '/v1/campaigns/verbose/dry-run');
    expect(forecast.broadcast).toEqual({ bytes: null, fault: tooMuch });
    const reply = await office.approveAsColleague('verbose');
    expectProblem(reply, 422, 'template_data_invalid');
    expect(reply.body.detail).toEqual(tooMuch);
  });
});
