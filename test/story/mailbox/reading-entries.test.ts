import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const readAs = (userId: string, path: string) => usher.callAs(userId, 'GET', path);

describe('the entries of a mailbox', () => {
  test('of any size are read in pages that go on after the state', async () => {
    const large = Array.from({ length: 40 }, (_, n) => ({
      userId: 'ida',
      type: 'note.large',
      tier: 'important',
      data: `${n}${'x'.repeat(14_000)}`,
    }));
    await usher.backOffice.publish(large);
    const read: string[] = [];
    let { body } = await readAs('ida', '/v1/me/state');
    for (let page = 1; ; page += 1) {
      const { entries, position, hasMore } = body as unknown as {
        entries: { data: string }[];
        position: { epoch: string; offset: number };
        hasMore: boolean;
      };
      read.push(...entries.map(({ data }) => data));
      expect(JSON.stringify(entries).length).toBeLessThan(300_000);
      expect(position.offset).toBe(read.length);
      if (!hasMore) break;
      expect(page).toBeLessThan(4);
      const query = `epoch=${position.epoch}&after=${position.offset}&limit=500`;
      ({ body } = await readAs('ida', `/v1/me/entries?${query}`));
    }
    expect(read).toEqual(large.map(({ data }) => data));
  });

  test('are read page by page', async () => {
    await usher.backOffice.publish(
      Array.from({ length: 5 }, (_, n) => ({ userId: 'kim', type: 'note.page', tier: 'important', data: n })),
    );
    const offsets: number[] = [];
    let query = 'after=0&limit=2';
    for (let page = 0; page < 3; page += 1) {
      const { body } = await readAs('kim', `/v1/me/entries?${query}`);
      const { position, entries, hasMore } = body as {
        position: { epoch: string; offset: number };
        entries: { offset: number }[];
        hasMore: boolean;
      };
      offsets.push(...entries.map(({ offset }) => offset));
      expect(hasMore).toBe(page < 2);
      query = `epoch=${position.epoch}&after=${position.offset}&limit=2`;
    }
    expect(offsets).toEqual([1, 2, 3, 4, 5]);
    expect(await readAs('kim', '/v1/me/entries?epoch=elsewhere&after=0')).toMatchObject({
      status: 410,
      body: { code: 'position_lost' },
    });
  });

  test.each([
    'after=-1',
    'after=1.5',
    'after=NaN',
    'after=1e400',
    'after=0x',
    'limit=0',
    'limit=501',
    'limit=all',
  ])('are not read from an invalid position: %s', async (query) => {
    expectProblem(await readAs('ada', `/v1/me/entries?${query}`), 400, 'invalid_request');
  });

  test.each(['epoch=of-another-numbering&after=0', 'after=9007199254740991', 'epoch=%00'])(
    'return position_lost for an unknown position: %s',
    async (query) => {
      expectProblem(await readAs('ada', `/v1/me/entries?${query}`), 410, 'position_lost');
    },
  );
});
