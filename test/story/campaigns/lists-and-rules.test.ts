import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CampaignOffice } from '../../support/drivers/campaign-office.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';

let office: CampaignOffice;
beforeAll(async () => {
  office = await CampaignOffice.open();
});
afterAll(() => office.stop());

describe('a list', () => {
  test('takes NDJSON, rejects each bad line alone, and changes nothing when it is sent again', async () => {
    await office.put('/v1/audiences/winners', {});
    const lines = [
      { userId: 'ada', data: { city: 'Bonn' } },
      'no json',
      { userId: 'not an id' },
      { userId: 'ben', extra: 1 },
      { userId: 'cem' },
      { userId: 'cem' },
    ];
    const first = await office.upload('winners', lines);
    expect(first.body).toMatchObject({ accepted: 2, unchanged: 1, rejectedCount: 3, line: 6 });
    expect(first.body.rejected).toMatchObject([
      { line: 2, code: 'malformed_json' },
      { line: 3, code: 'invalid_request', path: 'userId' },
      { line: 4, code: 'invalid_request', path: 'extra' },
    ]);
    expect((await office.upload('winners', lines)).body).toMatchObject({ accepted: 0, unchanged: 3 });
    expect((await office.call('GET', '/v1/audiences/winners')).body).toMatchObject({
      kind: 'list',
      members: 2,
    });
  });

  test('takes CSV, whose head says what the columns are called', async () => {
    await office.put('/v1/audiences/sheet', {});
    const rows = ['userId,city', 'ada,"Bonn, on the Rhine"', 'ben', 'cem,', '"broken,x', 'dan,Köln\r'];
    const { body } = await office.upload('sheet', rows, { type: 'text/csv' });
    expect(body).toMatchObject({ accepted: 3, rejectedCount: 2, line: 6 });
    expect(body.rejected).toMatchObject([
      { line: 3, message: 'It has 1 fields; the head has 2' },
      { line: 5, message: 'The line is not CSV' },
    ]);
    const stored = await office.usher.database.query(
      `SELECT user_id, data FROM audience_member WHERE audience = 'sheet' ORDER BY user_id`,
    );
    expect(stored).toEqual([
      { user_id: 'ada', data: { city: 'Bonn, on the Rhine' } },
      { user_id: 'cem', data: null },
      { user_id: 'dan', data: { city: 'Köln' } },
    ]);
    expectProblem(await office.upload('sheet', ['name,city'], { type: 'text/csv' }), 400, 'invalid_request');
  });

  test('goes on from a line after an upload that broke off, with constant batches, plain or gzip', async () => {
    await office.put('/v1/audiences/long', {});
    const lines = Array.from({ length: 2_500 }, (_, n) => ({ userId: `long-${n}` }));
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const half = await office.upload('long', lines.slice(0, 1_200));
    expect(half.body).toMatchObject({ accepted: 1_200, line: 1_200 });
    const rest = await office.call('PUT', '/v1/audiences/long/members?from=1201', gzipSync(text), {
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
    });
    expect(rest.body).toMatchObject({ accepted: 1_300, unchanged: 0, line: 2_500 });
    expect((await office.call('GET', '/v1/audiences/long')).body).toMatchObject({ members: 2_500 });
    await office.call('DELETE', '/v1/audiences/long');
    expectProblem(await office.call('GET', '/v1/audiences/long'), 404, 'not_found');
    await eventually('its members are removed', async () => {
      const left = await office.usher.database.query(
        `SELECT FROM audience_member WHERE audience = 'long' LIMIT 1`,
      );
      return left.length === 0;
    });
  });

  test('is not a rule, and is not there before it is put', async () => {
    await office.put('/v1/audiences/everyone', { rule: { everyone: true } });
    expectProblem(await office.upload('everyone', [{ userId: 'ada' }]), 409, 'conflict');
    expectProblem(await office.upload('nobody', [{ userId: 'ada' }]), 404, 'not_found');
    expectProblem(await office.call('PUT', '/v1/audiences/everyone', {}), 409, 'conflict');
    expectProblem(
      await office.upload('winners', ['x'], { type: 'application/xml' }),
      415,
      'unsupported_media_type',
    );
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
    const reply = await office.call('PUT', '/v1/audiences/wrong', { rule });
    expectProblem(reply, 400, 'invalid_request');
    expect(JSON.stringify(reply.body)).toContain(message);
  });

  test('is estimated before anything begins', async () => {
    await Promise.all(['est-1', 'est-2', 'est-3'].map((name) => office.addMail(name)));
    await office.put('/v1/audiences/estimated', { rule: { not: { platform: ['tv'] } } });
    const { body } = await office.call('POST', '/v1/audiences/estimated/estimate');
    expect(body).toMatchObject({ isExact: true, margin: 0 });
    expect(body.size).toBeGreaterThanOrEqual(3);
  });
});
