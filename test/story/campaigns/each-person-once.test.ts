import { describe, expect, test } from '@jest/globals';
import { newUploadTally, UploadService } from '../../../src/audiences/members/upload.service.js';
import { DryRunService } from '../../../src/campaigns/preview/dry-run.service.js';
import { campaign } from '../../support/in-process/campaign-rows.js';
import { campaignsInProcess } from '../../support/in-process/campaigns.js';

const {
  query,
  get,
  dieAt,
  audience,
  list,
  phone,
  mail,
  prefer,
  schedule,
  freeze,
  send,
  becameOf,
  eventsOf,
  stateOf,
  countsOf,
} = campaignsInProcess();

describe('each person is reached once', () => {
  test('although in three audiences, and although two accounts have one mailbox', async () => {
    await list('winners', { ada: null, ben: null, cem: null });
    await list('premium', { ben: null, cem: null, ada2: null });
    await audience('all');
    await phone('ada');
    await phone('ben');
    await mail('ada', 'a.da@gmail.com');
    await mail('ada2', 'Ada+x@googlemail.com');
    await mail('cem', 'cem@example.com');
    await schedule('advent', campaign({ audiences: ['winners', 'premium', 'all'] }));
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({
      ada: 'push',
      ada2: 'duplicate_address',
      ben: 'push',
      cem: 'email',
    });
    expect(await countsOf('advent')).toEqual({
      audience: 10,
      duplicates: { users: 6, addresses: 1 },
      members: 4,
      pending: 0,
      queued: { push: 2, email: 1 },
      skipped: { duplicate_address: 1 },
      converted: 0,
    });
    expect(await stateOf('advent')).toBe('done');
    expect(await query('SELECT user_id, campaign_id, channel FROM message')).toEqual([
      { user_id: 'cem', campaign_id: 'advent', channel: 'email' },
    ]);
    expect((await eventsOf('ada'))[0]?.data).toEqual({
      campaign: 'advent',
      template: { name: 'advent', version: 1 },
      values: { city: 'Berlin' },
      title: 'Advent in Berlin',
      body: 'Two for one',
    });
  });

  test('and an address that nobody has verified keeps nobody else out', async () => {
    await audience('all');
    await mail('aaa', 'ada@example.com', false);
    await mail('ada', 'ada@example.com');
    await schedule('advent');
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({ aaa: 'no_address', ada: 'email' });
  });

  test('although its worker is killed at any statement, or at the commit: while it finds them, and while it sends', async () => {
    await audience('all');
    await list('some', { cem: { city: 'Bonn' }, ben: null });
    await phone('ada');
    await mail('ben', 'ben@example.com');
    await mail('cem', 'cem@example.com');
    await schedule('advent', campaign({ audiences: ['some', 'all'] }));
    const died: unknown[] = [];
    for (const work of [freeze, () => send(2)])
      for (const dyingAt of [1, 2, 3, 4, 5, 6, 7, 'commit', undefined] as const) {
        dieAt(dyingAt);
        await work().catch(() => died.push(dyingAt));
      }
    dieAt(undefined);
    expect(died.length).toBeGreaterThanOrEqual(13);
    expect(await countsOf('advent')).toEqual({
      audience: 5,
      duplicates: { users: 2, addresses: 0 },
      members: 3,
      pending: 0,
      queued: { push: 1, email: 2 },
      skipped: {},
      converted: 0,
    });
    const offsets = await query('SELECT user_id, last_offset::int FROM mailbox ORDER BY user_id');
    expect(offsets).toEqual(['ada', 'ben', 'cem'].map((user_id) => ({ user_id, last_offset: 1 })));
    expect(await query('SELECT user_id FROM message ORDER BY user_id')).toEqual([
      { user_id: 'ben' },
      { user_id: 'cem' },
    ]);
    expect((await eventsOf('cem'))[0]?.data).toMatchObject({ values: { city: 'Bonn' } });
  });

  test('by one of several workers that are at it together', async () => {
    await audience('all');
    await audience('again');
    const users = Array.from({ length: 60 }, (_, n) => `crowd-${n}`);
    for (const [n, userId] of users.entries()) {
      await phone(userId);
      await mail(userId, `${n % 50}@example.com`);
    }
    await schedule('advent', campaign({ audiences: ['all', 'again'] }));
    await Promise.all(Array.from({ length: 4 }, freeze));
    await Promise.all(Array.from({ length: 4 }, () => send(7)));
    await send();
    expect(await countsOf('advent')).toMatchObject({
      audience: 120,
      duplicates: { users: 60, addresses: 10 },
      members: 60,
      pending: 0,
      queued: { push: 50 },
    });
    const heads = await query('SELECT DISTINCT last_offset::int FROM mailbox');
    expect(heads).toEqual([{ last_offset: 1 }]);
  });
});

describe('a member is skipped', () => {
  test('who is in an exclusion, by rule or by list: they are no members at all', async () => {
    await audience('all');
    await audience('tokyo', { timezone: ['Asia/Tokyo'] });
    await list('staff', { ben: null });
    await phone('ada');
    await phone('ben');
    await phone('cem', { timezone: 'Asia/Tokyo' });
    await schedule('advent', campaign({ exclusions: ['staff', 'tokyo'] }));
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({ ada: 'push' });
  });

  test('whose mail address no secret decrypts, alone', async () => {
    await audience('all');
    await mail('ada', 'ada@example.com');
    await mail('ben', 'ben@example.com');
    await query(`UPDATE contact SET email = '\\x00' WHERE user_id = 'ben'`);
    await schedule('advent');
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({ ada: 'email', ben: 'address_unreadable' });
    expect(await countsOf('advent')).toMatchObject({
      members: 2,
      pending: 0,
      skipped: { address_unreadable: 1 },
    });
  });

  test('for whom the template lacks a value, alone', async () => {
    await list('some', { ada: { city: 'Bonn' }, ben: null, cem: { city: 7 } });
    await Promise.all(['ada', 'ben', 'cem'].map((userId) => phone(userId)));
    await schedule(
      'advent',
      campaign({ audiences: ['some'], template: { name: 'advent', version: 1, data: {} } }),
    );
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({
      ada: 'push',
      ben: 'template_data_invalid',
      cem: 'template_data_invalid',
    });
  });

  test('who wants none, by what they prefer when it is their turn', async () => {
    await audience('all');
    await phone('ada');
    await phone('ben');
    await schedule('advent');
    await freeze();
    await prefer('ben', 'off');
    await send();
    expect(await becameOf('advent')).toEqual({ ada: 'push', ben: 'preference' });
  });

  test('who got as many campaigns as the cap allows', async () => {
    await audience('all');
    await phone('ada');
    const cap = { campaigns: 2, withinDays: 7 };
    for (const name of ['one', 'two', 'three']) {
      await schedule(name, campaign({ cap }));
      await freeze();
      await send();
    }
    expect(await Promise.all(['one', 'two', 'three'].map(becameOf))).toEqual([
      { ada: 'push' },
      { ada: 'push' },
      { ada: 'capped' },
    ]);
  });

  test('whose turn comes after the end of the campaign', async () => {
    await audience('all');
    await phone('ada');
    await schedule('advent', campaign(), { expiresAt: '2026-01-02T00:00:00Z' });
    await freeze();
    await send();
    expect(await becameOf('advent')).toEqual({ ada: 'expired' });
    expect(await eventsOf('ada')).toEqual([]);
  });
});

test('at a local time each member’s turn is by the clock of their zone', async () => {
  await audience('all');
  await phone('east', { timezone: 'Pacific/Kiritimati' });
  await phone('west', { timezone: 'Pacific/Pago_Pago' });
  // The same date and time comes to them 25 hours apart.
  const between = new Date(Date.now() + 2 * 3_600_000);
  const local = new Date(between.getTime() + 11 * 3_600_000).toISOString();
  const startAt = { date: local.slice(0, 10), time: local.slice(11, 16) };
  await schedule('advent', campaign({ startAt }));
  await freeze();
  await send();
  expect(await becameOf('advent')).toEqual({ east: 'push', west: 'pending' });
  expect(await stateOf('advent')).toBe('running');
});

test('a list is taken with as much memory, and says how far it is as often, however many of its lines are broken', async () => {
  await audience('millions', null);
  const [lines, perChunk] = [50_000, 500];
  let given = 0;
  async function* file() {
    for (let chunk = 0; chunk < lines / perChunk; chunk += 1) {
      // Of the second half only each thousandth line is a member.
      const isMember = (n: number) => n % (given < lines / 2 ? 10 : 1_000) === 0;
      const numbers = Array.from({ length: perChunk }, (_, n) => given + n + 1);
      const text = numbers.map((n) => (isMember(n) ? `{"userId":"m${n}"}\n` : `{"userId":"broken ${n}"}\n`));
      given += perChunk;
      yield await Promise.resolve(Buffer.from(text.join('')));
    }
  }
  const tally = newUploadTally();
  const ahead: number[] = [];
  const how = { format: 'ndjson', from: 1, tally } as const;
  for await (const _ of get(UploadService).upload('millions', file(), how)) ahead.push(given - tally.line);
  expect(ahead.length).toBeGreaterThanOrEqual(lines / 1_000);
  expect(Math.max(...ahead)).toBeLessThanOrEqual(1_000 + perChunk);
  const accepted = lines / 2 / 10 + lines / 2 / 1_000;
  expect(tally).toMatchObject({ accepted, rejectedCount: lines - accepted, line: lines });
  expect(tally.rejected).toHaveLength(1_000);
});

test('a campaign to a rule that fits nobody, and to an empty list, is done at once, and says so', async () => {
  await phone('ada');
  await audience('nobody', { plan: ['there is none'] });
  await list('empty', {});
  await schedule('advent', campaign({ audiences: ['nobody', 'empty'] }));
  const forecast = await get(DryRunService).forecast('advent');
  expect(forecast).toMatchObject({ members: { size: 0, margin: 0, isExact: true }, queued: {}, rates: [] });
  await freeze();
  await send();
  expect(await stateOf('advent')).toBe('done');
  expect(await countsOf('advent')).toMatchObject({
    audience: 0,
    members: 0,
    pending: 0,
    queued: {},
    skipped: {},
  });
});
