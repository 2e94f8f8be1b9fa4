import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readAudit } from '../../support/audit.js';
import { CAMPAIGN_TEMPLATE } from '../../support/cases/campaign-template.js';
import { call as request, type HttpReply } from '../../support/drivers/back-office.js';
import { followLink } from '../../support/drivers/mail-link.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import { type FakeMailServer, startFakeMailServer } from '../../support/fakes/fake-mail-server.js';

let usher: TestUsher;
let mailServer: FakeMailServer;
/** The key of a second person. */
let colleague: string;
beforeAll(async () => {
  mailServer = await startFakeMailServer();
  usher = await startUsher({
    CAMPAIGN_APPROVAL: 'another',
    PUBLIC_URL: 'https://usher.example.com',
    SMTP_URL: mailServer.url,
    SMTP_FROM: 'Usher <no-reply@usher.example.com>',
  });
  await put('/v1/templates/advent', CAMPAIGN_TEMPLATE);
  const { body } = await call('POST', '/v1/keys', { name: 'colleague', scopes: ['operate'] });
  colleague = String(body.key);
});
afterAll(async () => {
  await usher.stop();
  await mailServer.close();
});

const because = { 'usher-reason': 'case 4711' };

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  usher.backOffice.call(method, path, body, headers);
async function put(path: string, body: unknown): Promise<Record<string, unknown>> {
  const reply = await call('PUT', path, body);
  expect([reply.status, reply.body.detail]).toEqual([200, undefined]);
  return reply.body;
}
/** Sends lines of a list; the reply's body is the last line. */
const upload = (
  name: string,
  lines: readonly (string | object)[],
  { query = '', type = 'application/x-ndjson' } = {},
): Promise<HttpReply> => {
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  return call('PUT', `/v1/audiences/${name}/members${query}`, text, { 'content-type': type });
};
const mailOf = (name: string, email = `${name}@example.com`) =>
  put(`/v1/users/${name}/contact`, { email, emailVerified: true });
const LONG_AGO = '2026-01-01T00:00:00Z';
const CAMPAIGN = {
  template: { name: 'advent', data: { city: 'Berlin' } },
  audiences: ['everyone'],
  channels: ['push', 'email'],
  startAt: LONG_AGO,
};
const act = (name: string, what: string, key?: string) =>
  key === undefined
    ? call('POST', `/v1/campaigns/${name}/${what}`, undefined, because)
    : request(usher.url, key, 'POST', `/v1/campaigns/${name}/${what}`, undefined, because);
async function begin(name: string): Promise<void> {
  expect((await act(name, 'approve', colleague)).status).toBe(200);
  expect((await act(name, 'schedule')).status).toBe(200);
}
const campaignStepOf = async (userId: string) => {
  const { timeline } = (await call('GET', `/v1/users/${userId}/timeline`)).body as {
    timeline: { step: string }[];
  };
  return timeline.find(({ step }) => step === 'campaign');
};
const read = async (name: string) => (await call('GET', `/v1/campaigns/${name}`)).body;
const until = (name: string, state: string) =>
  eventually(`the campaign ${name} is ${state}`, async () => {
    const body = await read(name);
    return body.state === state ? body : undefined;
  });

describe('a list', () => {
  test('takes NDJSON, rejects each bad line alone, and changes nothing when it is sent again', async () => {
    await put('/v1/audiences/winners', {});
    const lines = [
      { userId: 'ada', data: { city: 'Bonn' } },
      'no json',
      { userId: 'not an id' },
      { userId: 'ben', extra: 1 },
      { userId: 'cem' },
      { userId: 'cem' },
    ];
    const first = await upload('winners', lines);
    expect(first.body).toMatchObject({ accepted: 2, unchanged: 1, rejectedCount: 3, line: 6 });
    expect(first.body.rejected).toMatchObject([
      { line: 2, code: 'malformed_json' },
      { line: 3, code: 'invalid_request', path: 'userId' },
      { line: 4, code: 'invalid_request', path: 'extra' },
    ]);
    expect((await upload('winners', lines)).body).toMatchObject({ accepted: 0, unchanged: 3 });
    expect((await call('GET', '/v1/audiences/winners')).body).toMatchObject({ kind: 'list', members: 2 });
  });

  test('takes CSV, whose head says what the columns are called', async () => {
    await put('/v1/audiences/sheet', {});
    const rows = ['userId,city', 'ada,"Bonn, on the Rhine"', 'ben', 'cem,', '"broken,x', 'dan,Köln\r'];
    const { body } = await upload('sheet', rows, { type: 'text/csv' });
    expect(body).toMatchObject({ accepted: 3, rejectedCount: 2, line: 6 });
    expect(body.rejected).toMatchObject([
      { line: 3, message: 'It has 1 fields; the head has 2' },
      { line: 5, message: 'The line is not CSV' },
    ]);
    const stored = await usher.database.query(
      `SELECT user_id, data FROM audience_member WHERE audience = 'sheet' ORDER BY user_id`,
    );
    expect(stored).toEqual([
      { user_id: 'ada', data: { city: 'Bonn, on the Rhine' } },
      { user_id: 'cem', data: null },
      { user_id: 'dan', data: { city: 'Köln' } },
    ]);
    expectProblem(await upload('sheet', ['name,city'], { type: 'text/csv' }), 400, 'invalid_request');
  });

  test('goes on from a line after an upload that broke off, with constant batches, plain or gzip', async () => {
    await put('/v1/audiences/long', {});
    const lines = Array.from({ length: 2_500 }, (_, n) => ({ userId: `long-${n}` }));
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const half = await upload('long', lines.slice(0, 1_200));
    expect(half.body).toMatchObject({ accepted: 1_200, line: 1_200 });
    const rest = await call('PUT', '/v1/audiences/long/members?from=1201', gzipSync(text), {
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
    });
    expect(rest.body).toMatchObject({ accepted: 1_300, unchanged: 0, line: 2_500 });
    expect((await call('GET', '/v1/audiences/long')).body).toMatchObject({ members: 2_500 });
    await call('DELETE', '/v1/audiences/long');
    expectProblem(await call('GET', '/v1/audiences/long'), 404, 'not_found');
    await eventually('its members are removed', async () => {
      const left = await usher.database.query(`SELECT FROM audience_member WHERE audience = 'long' LIMIT 1`);
      return left.length === 0;
    });
  });

  test('is not a rule, and is not there before it is put', async () => {
    await put('/v1/audiences/everyone', { rule: { everyone: true } });
    expectProblem(await upload('everyone', [{ userId: 'ada' }]), 409, 'conflict');
    expectProblem(await upload('nobody', [{ userId: 'ada' }]), 404, 'not_found');
    expectProblem(await call('PUT', '/v1/audiences/everyone', {}), 409, 'conflict');
    expectProblem(await upload('winners', ['x'], { type: 'application/xml' }), 415, 'unsupported_media_type');
  });
});

describe('a rule', () => {
  test.each([
    ['two conditions at once', { plan: ['a'], status: ['active'] }, 'exactly one condition'],
    ['none', {}, 'exactly one condition'],
    ['an unknown one', { plann: ['a'] }, 'did you mean plan'],
    ['six levels', { not: { not: { not: { not: { not: { everyone: true } } } } } }, '5 levels deep'],
    ['no version', { appVersion: { platform: 'ios' } }, 'atLeast or below'],
  ])('with %s is refused', async (_, rule, message) => {
    const reply = await call('PUT', '/v1/audiences/wrong', { rule });
    expectProblem(reply, 400, 'invalid_request');
    expect(JSON.stringify(reply.body)).toContain(message);
  });

  test('is estimated before anything begins', async () => {
    await Promise.all(['est-1', 'est-2', 'est-3'].map((name) => mailOf(name)));
    await put('/v1/audiences/estimated', { rule: { not: { platform: ['tv'] } } });
    const { body } = await call('POST', '/v1/audiences/estimated/estimate');
    expect(body).toMatchObject({ isExact: true, margin: 0 });
    expect(body.size).toBeGreaterThanOrEqual(3);
  });
});

describe('a campaign', () => {
  test('is approved by another one than its author, and is a draft again when it is rewritten', async () => {
    await put('/v1/audiences/everyone', { rule: { everyone: true } });
    const draft = await put('/v1/campaigns/moves', CAMPAIGN);
    expect(draft).toMatchObject({
      state: 'draft',
      author: { kind: 'key', id: 'bootstrap' },
      campaign: { template: { name: 'advent', version: 1 }, exclusions: [] },
    });
    expectProblem(await act('moves', 'approve'), 403, 'same_person');
    expectProblem(await act('moves', 'schedule'), 409, 'illegal_move');
    expect((await act('moves', 'approve', colleague)).body).toMatchObject({
      state: 'approved',
      approver: { name: 'colleague' },
    });
    const { state, approver } = await put('/v1/campaigns/moves', { ...CAMPAIGN, channels: ['email'] });
    expect([state, approver]).toEqual(['draft', null]);
    expectProblem(await call('POST', '/v1/campaigns/moves/abort'), 400, 'invalid_request');
    expect((await act('moves', 'abort')).body).toMatchObject({ state: 'aborted' });
    expectProblem(await call('PUT', '/v1/campaigns/moves', CAMPAIGN), 409, 'illegal_move');
    expect(await readAudit(usher, 'action=campaign.approve&limit=1')).toMatchObject([
      { target: { kind: 'campaign', id: 'moves' }, before: { state: 'draft' }, after: { state: 'approved' } },
    ]);
    expect(await readAudit(usher, 'action=campaign.abort&limit=1')).toMatchObject([{ reason: 'case 4711' }]);
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
    expectProblem(await call('PUT', '/v1/campaigns/wrong', { ...CAMPAIGN, ...changes }), status, code);
  });

  test('that has expired before it would begin is not scheduled', async () => {
    await put('/v1/campaigns/late', { ...CAMPAIGN, expiresAt: '2026-01-02T00:00:00Z' });
    await act('late', 'approve', colleague);
    expectProblem(await act('late', 'schedule'), 400, 'invalid_request');
  });

  test('reaches each member in the words of its version, although another one is published meanwhile', async () => {
    await put('/v1/audiences/mailed', {});
    await mailOf('mailed-1');
    await mailOf('mailed-2');
    await mailOf('mailed-3', 'mailed-2@Example.com');
    await upload('mailed', [
      { userId: 'mailed-1', data: { city: 'Bonn' } },
      { userId: 'mailed-2' },
      { userId: 'mailed-3' },
      { userId: 'mailed-4' },
    ]);
    await put('/v1/campaigns/mails', {
      ...CAMPAIGN,
      audiences: ['mailed'],
      goal: { eventType: 'show.started', withinHours: 72 },
    });
    const again = structuredClone(CAMPAIGN_TEMPLATE);
    again.locales.en.email.subject = 'Another one';
    await put('/v1/templates/advent', again);
    const { body: forecast } = await call('POST', '/v1/campaigns/mails/dry-run');
    expect(forecast).toMatchObject({
      members: { size: 4, margin: 0, isExact: true },
      queued: { email: 3 },
      skipped: { no_address: 1 },
      rates: [{ name: 'email', messages: 3, perSecond: 100, seconds: 1 }],
      throughAt: expect.any(String),
    });
    await begin('mails');
    const done = await until('mails', 'done');
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
    await followLink(usher.url, mails[0]?.source ?? '');
    const tapped = `campaign=mails&kind=tapped&groupBy=template&from=${new Date(Date.now() - 86_400_000).toISOString()}`;
    await eventually('the tap is counted for the campaign and its template', async () => {
      const { body } = await call('GET', `/v1/analytics/engagement?${tapped}`);
      const [series] = body.series as { group: string; total: number }[];
      return series?.group === 'advent' && series.total === 1;
    });
    await eventually('the outcomes are told', async () => {
      const { outcomes } = await read('mails');
      return JSON.stringify(outcomes) === '[{"channel":"email","state":"sent","count":2}]';
    });
    expect((await call('GET', '/v1/campaigns/mails/members/mailed-4')).body).toMatchObject({
      state: 'skipped',
      reason: 'no_address',
      audience: 'mailed',
    });
    expectProblem(await call('GET', '/v1/campaigns/mails/members/nobody'), 404, 'not_found');
    const started = { userId: 'mailed-1', type: 'show.started', tier: 'important', key: 'show', data: {} };
    await eventually('what it hopes for is counted', async () => {
      await usher.backOffice.publish([started, { ...started, userId: 'mailed-4' }]);
      const counts = (await read('mails')).counts as { converted: number };
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
    const { body: listed } = await call('GET', '/v1/campaigns?limit=1');
    expect(listed).toMatchObject({ campaigns: [{ name: 'mails', state: 'done' }], next: expect.any(String) });
  });

  test('shows what one user would get, and is sent to who tries it, which counts nowhere', async () => {
    await mailOf('tester');
    await put('/v1/campaigns/tried', CAMPAIGN);
    const preview = (body: object) => call('POST', '/v1/campaigns/tried/preview', body);
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
    const { status, body } = await call('POST', '/v1/campaigns/tried/test', { userId: 'tester' });
    expect([status, body]).toEqual([
      202,
      { userId: 'tester', channel: 'email', eventId: expect.any(String) },
    ]);
    await eventually('the mail', () => mailServer.mails.some(({ to }) => to === 'tester@example.com'));
    expect(await read('tried')).toMatchObject({ state: 'draft', counts: { members: 0 }, outcomes: [] });
    expectProblem(await call('POST', '/v1/campaigns/tried/test', { userId: 'stranger' }), 409, 'conflict');
    const [entry] = (await usher.state('tester')).entries;
    expect(entry).toMatchObject({ type: 'campaign.message', data: { campaign: 'tried', isTest: true } });
  });
});

describe('a campaign to everyone', () => {
  const NOTICE = {
    template: { name: 'notice', data: { city: 'Berlin' } },
    to: 'everyone',
    startAt: LONG_AGO,
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
    const reply = await call('POST', '/v1/broadcasts', { type, data: {} });
    expect(reply.status).toBe(202);
    return reply.body as unknown as { id: string; number: number };
  };
  beforeAll(() => put('/v1/templates/notice', { ...CAMPAIGN_TEMPLATE, locales: { en, de: german } }));

  test('is sent once to each device of each user, in order with other broadcasts, and is withdrawn when it is aborted', async () => {
    const devices = await Promise.all(
      ['kim/a', 'kim/b', 'lou/a'].map((id) => usher.device(id.slice(0, 3), id.replace('/', '-'))),
    );
    const before = await publish('before');
    await put('/v1/campaigns/notice', NOTICE);
    expectProblem(await act('notice', 'approve'), 403, 'same_person');
    await begin('notice');
    const running = await until('notice', 'running');
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
    expectProblem(await act('notice', 'pause'), 409, 'illegal_move');
    expect((await act('notice', 'abort')).body).toMatchObject({ state: 'aborted' });
    expect(await read('notice')).toMatchObject({ state: 'aborted', broadcast: { state: 'withdrawn' } });
    const withdrawn = await readAudit(usher, 'action=broadcast.withdraw&limit=1');
    expect(withdrawn).toMatchObject([{ target: { id: running.broadcastId }, reason: 'case 4711' }]);
    const late = await publish('late');
    const newcomer = await usher.device('mia', 'tv');
    await newcomer.waitFor('late', ({ broadcast }) => broadcast === late.number);
    expect(newcomer.envelopes('campaign.message')).toEqual([]);
    for (const device of [...devices, newcomer]) device.close();
    for (const { id } of [before, after, late])
      await call('DELETE', `/v1/broadcasts/${id}`, undefined, because);
  });

  test('is forecast as one row, shown in the language of a user, and tried by one', async () => {
    await put('/v1/campaigns/tried-by-one', NOTICE);
    await put('/v1/users/nia/contact', { locale: 'de-AT' });
    const { body: forecast } = await call('POST', '/v1/campaigns/tried-by-one/dry-run');
    const { body: all } = await call('POST', '/v1/audiences/everyone/estimate');
    expect(forecast).toMatchObject({
      members: { size: all.size, isExact: true },
      queued: {},
      rates: [],
      broadcast: { bytes: expect.any(Number), fault: null },
      throughAt: forecast.startsAt,
    });
    const preview = await call('POST', '/v1/campaigns/tried-by-one/preview', { userId: 'nia' });
    expect(preview.body).toMatchObject({
      isMember: true,
      channel: 'app',
      fault: null,
      words: { push: { body: 'Zwei zum Preis von einem' } },
    });
    const withData = { userId: 'nia', data: { city: 'Ulm' } };
    expectProblem(await call('POST', '/v1/campaigns/tried-by-one/preview', withData), 400, 'invalid_request');
    const { status, body } = await call('POST', '/v1/campaigns/tried-by-one/test', { userId: 'nia' });
    expect([status, body.channel]).toEqual([202, 'app']);
    const state = (await usher.state('nia')) as unknown as {
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
    const reply = await call('PUT', '/v1/campaigns/wrong', { ...NOTICE, ...changes });
    expectProblem(reply, 400, 'invalid_request');
    expect(reply.body.errors).toMatchObject([{ path: field, message: expect.stringContaining(instead) }]);
  });

  test('is refused when it is for nobody, lasts too long, or says too much', async () => {
    const { to: _, ...nobody } = NOTICE;
    expectProblem(await call('PUT', '/v1/campaigns/wrong', nobody), 400, 'invalid_request');
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    await put('/v1/campaigns/lasting', { ...NOTICE, expiresAt: inDays(31) });
    expect((await act('lasting', 'approve', colleague)).status).toBe(200);
    expectProblem(await act('lasting', 'schedule'), 400, 'invalid_request');
    const words = { push: { title: 'Advent', body: '語'.repeat(300) } };
    const languages = 'bg cs da de es et fi fr hu it ja ko nl pl pt ro sv tr uk'.split(' ');
    await put('/v1/templates/verbose', {
      ...CAMPAIGN_TEMPLATE,
      locales: Object.fromEntries(['en', ...languages].map((locale) => [locale, words])),
    });
    const template = { name: 'verbose', data: { city: 'Berlin' } };
    await put('/v1/campaigns/verbose', { ...NOTICE, template });
    const tooMuch = expect.stringContaining('16384');
    const { body: forecast } = await call('POST', '/v1/campaigns/verbose/dry-run');
    expect(forecast.broadcast).toEqual({ bytes: null, fault: tooMuch });
    const reply = await act('verbose', 'approve', colleague);
    expectProblem(reply, 422, 'template_data_invalid');
    expect(reply.body.detail).toEqual(tooMuch);
  });
});

test('who is erased is on no list and in no campaign', async () => {
  await put('/v1/audiences/erased', {});
  await mailOf('gone');
  await upload('erased', [{ userId: 'gone' }, { userId: 'stays' }]);
  await put('/v1/campaigns/erasing', { ...CAMPAIGN, audiences: ['erased'] });
  await begin('erasing');
  await until('erasing', 'done');
  expect((await call('DELETE', '/v1/users/gone', undefined, because)).status).toBeLessThan(300);
  await eventually('the person is erased', async () => {
    const rows = await usher.database.query(
      `SELECT FROM audience_member WHERE user_id = 'gone' UNION ALL SELECT FROM campaign_member WHERE user_id = 'gone'
       UNION ALL SELECT FROM campaign_address WHERE campaign = 'erasing'`,
    );
    return rows.length === 0;
  });
  expect((await call('GET', '/v1/audiences/erased')).body).toMatchObject({ members: 1 });
});
