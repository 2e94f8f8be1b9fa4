import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { isWaitingForLock } from '../../support/infrastructure/locks.js';
import { metric } from '../../support/metric.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const me = async (userId: string, path: string) => (await usher.callAs(userId, 'GET', path)).body;
const titles = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ titleId: `t${n}`, name: `Ünï ${n}`, of: [n, '],['] }));

describe('a new front page', () => {
  test('is the same for connected devices, resuming devices, new devices and readers of the entries', async () => {
    const connected = await usher.device('ann', 'ann-tv');
    const { epoch } = await connected.waitFor('welcome');
    await usher.backOffice.recommend([
      { userId: 'ann', profileId: 'kids:1', version: '2026-11-20', items: titles(30) },
    ]);
    const received = await connected.waitFor('recommendations.ready');
    expect(received).toMatchObject({
      tier: 'important',
      key: 'recommendations:kids:1',
      offset: 1,
      epoch,
      profileId: 'kids:1',
    });
    expect(received.data).toEqual({
      profileId: 'kids:1',
      version: '2026-11-20',
      items: titles(20),
      url: '/v1/me/recommendations/kids%3A1',
    });
    const resumed = await usher.device('ann', 'ann-phone', { position: { epoch, offset: 0 } });
    expect(await resumed.waitFor('recommendations.ready')).toEqual(received);
    const newDevice = await usher.device('ann', 'ann-tablet');
    expect((await newDevice.waitFor('snapshot')).entries).toEqual([received]);
    expect((await me('ann', `/v1/me/entries?epoch=${epoch}&after=0`)).entries).toEqual([received]);
    expect(await me('ann', String(received.data.url))).toEqual({
      profileId: 'kids:1',
      version: '2026-11-20',
      items: titles(30),
    });
    // It was sent by the node that wrote it, not found by the sweep.
    expect(await metric(usher, 'usher_events_total')).toBe(1);
  });

  test('replaces the previous one, in the mailbox too', async () => {
    const page = (version: number) => ({ userId: 'ben', version, items: titles(version) });
    await usher.backOffice.recommend([page(1)]);
    await usher.backOffice.recommend([page(2)]);
    const { entries } = await usher.state('ben');
    expect(entries).toMatchObject([{ offset: 2, data: { version: 2, items: titles(2) } }]);
  });

  test('replaces any other event with its key', async () => {
    const note = {
      type: 'note.written',
      tier: 'important',
      key: 'recommendations:main',
      data: { of: 'a note' },
    };
    await usher.backOffice.publish([{ userId: 'gus', ...note }]);
    await usher.backOffice.recommend([{ userId: 'gus', version: 1, items: [] }]);
    const { entries } = await usher.state('gus');
    expect(entries).toMatchObject([{ offset: 2, type: 'recommendations.ready', data: { version: 1 } }]);
  });

  test('that a back office publishes itself has the data that it published, also when it is read later', async () => {
    const own = { type: 'recommendations.ready', tier: 'important', data: { mood: 'rainy' } };
    await usher.backOffice.recommend([{ userId: 'hal', version: 1, items: titles(1) }]);
    await usher.backOffice.publish([{ userId: 'hal', ...own }]);
    const { entries } = await usher.state('hal');
    expect(entries.at(-1)).toMatchObject(own);
  });

  test('of each profile has its own offset, without gaps, in the order of the file', async () => {
    const device = await usher.device('cem', 'cem-tv');
    await device.waitFor('snapshot');
    const profiles = ['main', 'kids', 'guest'];
    const lines = profiles.flatMap((profileId) => [
      { userId: 'cem', profileId, version: 1, items: [] },
      { userId: `neighbour-of-${profileId}`, version: 1, items: [] },
    ]);
    expect((await usher.backOffice.recommend(lines)).body).toMatchObject({ accepted: 6 });
    await eventually('every front page arrived', () => device.envelopes().length === profiles.length);
    expect(device.envelopes().map(({ offset, profileId }) => [offset, profileId])).toEqual([
      [1, 'main'],
      [2, 'kids'],
      [3, 'guest'],
    ]);
  });

  test('is written to handoff in the same commit, so that the sweep finds it if the node dies before it sends', async () => {
    await usher.database.query('CREATE TABLE remembered (positions json)');
    await usher.database.query(
      `CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO remembered VALUES (NEW.positions); RETURN NEW; END $$`,
    );
    await usher.database.query(
      'CREATE TRIGGER remember AFTER INSERT ON handoff FOR EACH ROW EXECUTE FUNCTION remember()',
    );
    await usher.backOffice.recommend(['ivy', 'jan'].map((userId) => ({ userId, version: 1, items: [] })));
    const rows = await usher.database.query<{ positions: [string, number][] }>(
      'SELECT positions FROM remembered',
    );
    await usher.database.query('DROP TRIGGER remember ON handoff');
    expect(rows.flatMap(({ positions }) => positions)).toEqual([
      ['ivy', 1],
      ['jan', 1],
    ]);
  });

  test('starts no push fallback for users who did not ask for pushed recommendations', async () => {
    const users = ['dora', 'eli', 'fay'];
    const asks = { categories: { recommendations: { channels: { push: true } } } };
    await usher.callAs('eli', 'PUT', '/v1/me/preferences', asks);
    await usher.backOffice.recommend(users.map((userId) => ({ userId, version: 1, items: [] })));
    const clocks = await usher.database.query<{ positions: [string, number][] }>(
      "SELECT positions FROM handoff WHERE consumer = 'push'",
    );
    const clocked = clocks.flatMap(({ positions }) => positions.map(([userId]) => userId));
    expect(clocked.filter((userId) => users.includes(userId))).toEqual(['eli']);
  });
});

describe('nightly files and events for the same users at once', () => {
  test('are all accepted, without deadlocks and without gaps in the offsets', async () => {
    const users = Array.from({ length: 500 }, (_, n) => `busy-${n}`);
    const file = (version: number) =>
      (version % 2 === 0 ? users : [...users].reverse()).map((userId) => ({ userId, version, items: [] }));
    const events = (n: number) =>
      users
        .slice(n, n + 100)
        .reverse()
        .map((userId) => ({ userId, type: 'note.written', tier: 'important', data: {} }));
    const replies = await Promise.all([
      ...[1, 2, 3, 4, 5, 6, 7, 8].map((version) => usher.backOffice.recommend(file(version))),
      ...[0, 40, 80, 0, 40, 80].map((n) => usher.backOffice.publish(events(n))),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([
      ...Array<number>(8).fill(200),
      ...Array<number>(6).fill(202),
    ]);
    const accepted = replies.slice(0, 8).reduce((sum, { body }) => sum + Number(body.accepted), 0);
    const [row] = await usher.database.query<{ taken: string }>(
      `SELECT sum(last_offset) AS taken FROM mailbox WHERE user_id LIKE 'busy-%'`,
    );
    expect(Number(row?.taken)).toBe(accepted + 600);
    const pages = await usher.database.query<{ count: string }>(
      `SELECT count(*) FROM recommendation WHERE user_id LIKE 'busy-%' AND version = '8'`,
    );
    expect(Number(pages[0]?.count)).toBe(users.length);
  });
});

describe('a page that is stored already', () => {
  test('counts as unchanged, not as stale, when the same page is committed while the file waits for its row', async () => {
    const page = { userId: 'ned', version: 5, items: titles(2) };
    await usher.backOffice.recommend([{ ...page, version: 4 }]);
    // As another push of the same file that has not committed yet. The file's statement begins before, and goes on after the commit.
    const end = await usher.database.holdTransaction(
      `UPDATE recommendation SET version = '5', items = $1 WHERE user_id = 'ned'`,
      [JSON.stringify(page.items)],
    );
    const pushed = usher.backOffice.recommend([page]);
    await eventually('the file waits for the row', () => isWaitingForLock(usher.database));
    await end('COMMIT');
    expect((await pushed).body).toMatchObject({ accepted: 0, unchanged: 1, conflicting: 0, stale: 0 });
  });

  test('with other items counts as conflicting too, and stays as it was', async () => {
    const page = { userId: 'oda', version: 1, items: [{ titleId: 'a', rank: 1 }] };
    await usher.backOffice.recommend([page]);
    const sameInAnotherOrder = { ...page, items: [{ rank: 1, titleId: 'a' }] };
    const other = { ...page, items: [{ titleId: 'b', rank: 1 }] };
    const { body } = await usher.backOffice.recommend([
      page,
      sameInAnotherOrder,
      other,
      { ...other, version: 0 },
    ]);
    expect(body).toMatchObject({ accepted: 0, unchanged: 3, conflicting: 1, stale: 1, rejectedCount: 0 });
    expect(await me('oda', '/v1/me/recommendations/main')).toMatchObject({ version: 1, items: page.items });
  });
});

describe('a nightly file', () => {
  test('reaches connected devices, and the front page is served with its version as ETag', async () => {
    const device = await usher.device('lea', 'lea-tv');
    const items = Array.from({ length: 30 }, (_, n) => ({ titleId: `t${n}` }));
    const reply = await usher.backOffice.recommend([{ userId: 'lea', profileId: 'kids', version: 7, items }]);
    expect(reply).toMatchObject({ status: 200, body: { accepted: 1, unchanged: 0, stale: 0, rejected: [] } });
    const { data, key } = await device.waitFor('recommendations.ready');
    expect(key).toBe('recommendations:kids');
    expect(data).toMatchObject({
      profileId: 'kids',
      version: 7,
      items: items.slice(0, 20),
      url: '/v1/me/recommendations/kids',
    });
    const page = await usher.callAs('lea', 'GET', String(data.url));
    expect(page.body).toEqual({ profileId: 'kids', version: 7, items });
    expect(page.headers.get('etag')).toBe('"7"');
    expect(
      (await usher.callAs('lea', 'GET', String(data.url), undefined, { 'if-none-match': '"7"' })).status,
    ).toBe(304);
  });

  test('ignores repeated and outdated lines and rejects invalid ones', async () => {
    const line = (version: number | string) => ({ userId: 'max', version, items: [] });
    expect((await usher.backOffice.recommend([line(2)])).body).toMatchObject({ accepted: 1 });
    const { body } = await usher.backOffice.recommend([line(2), line(1), { userId: 'max' }, line(3)]);
    expect(body).toMatchObject({
      accepted: 1,
      unchanged: 1,
      stale: 1,
      rejected: [{ line: 3, code: 'invalid_request' }],
    });
    expect((await usher.state('max')).recommendations).toEqual([{ profileId: 'main', version: 3 }]);
  });
});
