import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { call } from '../../support/drivers/back-office.js';
import { BATCH, line, lines, NightlyJob } from '../../support/drivers/nightly-job.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectCleanLog, expectProblem } from '../../support/expectations.js';
import { metric } from '../../support/metric.js';
import { INVALID_IDS, nestedJson } from '../../support/invalid-input.js';

let usher: TestUsher;
let job: NightlyJob;
beforeAll(async () => {
  usher = await startUsher();
  job = new NightlyJob(usher);
});
afterAll(() => usher.stop());

const MB = 1024 * 1024;

describe('an invalid line of a nightly file is rejected alone', () => {
  test('and so is a valid one that cannot be written: the others of its batch, and those after it, are accepted', async () => {
    await usher.database.query(`ALTER TABLE recommendation ADD CONSTRAINT broken CHECK (user_id <> 'poi-7')`);
    const { body } = await job.send(lines(BATCH + 10, 'poi-'));
    await usher.database.query('ALTER TABLE recommendation DROP CONSTRAINT broken');
    expect(body).toMatchObject({
      accepted: BATCH + 9,
      rejectedCount: 1,
      rejected: [{ line: 8, code: 'internal' }],
    });
    expect(await job.pagesOf('poi-')).toBe(BATCH + 9);
  });

  test('with its number and the reason; the lines around it are accepted', async () => {
    const given: [text: string, code?: string][] = [
      [line('lin-1')],
      ['{"userId":"lin-x","version":1,"items":[}\n', 'malformed_json'],
      ['not json at all\n', 'malformed_json'],
      ['[]\n', 'invalid_request'],
      ['null\n', 'invalid_request'],
      ['7\n', 'invalid_request'],
      ['{}\n', 'invalid_request'],
      [line('lin-x', { version: undefined }), 'invalid_request'],
      [line('lin-x', { version: -1 }), 'invalid_request'],
      [line('lin-x', { version: 1.5 }), 'invalid_request'],
      ['{"userId":"lin-x","version":1e999,"items":[]}\n', 'invalid_request'],
      [line('lin-x', { version: '' }), 'invalid_request'],
      [line('lin-x', { version: ['1'] }), 'invalid_request'],
      [line('lin-x', { items: undefined }), 'invalid_request'],
      [line('lin-x', { items: 'film' }), 'invalid_request'],
      [line('lin-x', { items: Array.from({ length: 1_001 }, () => 'film') }), 'invalid_request'],
      [line('lin-x', { profileId: '../kids' }), 'invalid_request'],
      ['\n'],
      ['  \r\n'],
      [line('lin-2', { nobody: 'knows this field' })],
      [`{"userId":"lin-x","version":1,"items":${nestedJson(10_000)}}\n`, 'too_deep'],
      [`{"userId":"lin-x","version":1,"items":${nestedJson(17)}}\n`, 'too_deep'],
      [line('lin-x', { items: ['x'.repeat(256 * 1024)] }), 'payload_too_large'],
      ...INVALID_IDS.map((userId): [string, string] => [line(userId), 'invalid_request']),
      [line('lin-3').trimEnd()],
    ];
    const { status, body } = await job.send(given.map(([text]) => text).join(''));
    expect(status).toBe(200);
    const said = { path: expect.any(String), message: expect.stringMatching(/./) };
    const rejected = given
      .map(([, code], index) => ({ line: index + 1, code }))
      .filter(({ code }) => code !== undefined);
    expect(body.rejected).toEqual(rejected.map((one) => expect.objectContaining({ ...one, ...said })));
    expect(body).toMatchObject({ accepted: 3, unchanged: 0, stale: 0 });
    for (const userId of ['lin-1', 'lin-2', 'lin-3']) expect((await job.page(userId)).status).toBe(200);
    expectProblem(await job.page('lin-x'), 404, 'not_found');
  });

  test('with the field that is wrong and what is wrong with it, and never with what was in it', async () => {
    const { body } = await job.send(
      [
        line('why-1', { version: 'secret title'.repeat(50) }),
        line('why-2', { profileId: 'secret title' }),
        line('why-3', { items: 'secret title' }),
        '{"userId":"why-4","items":["secret title"\n',
        line('why-5', { items: ['x'.repeat(256 * 1024)] }),
      ].join(''),
    );
    expect(body.rejected).toEqual([
      { line: 1, code: 'invalid_request', path: 'version', message: expect.stringMatching(/./) },
      {
        line: 2,
        code: 'invalid_request',
        path: 'profileId',
        message: 'profileId must be 1 to 64 of A-Z a-z 0-9 _ . : -',
      },
      {
        line: 3,
        code: 'invalid_request',
        path: 'items',
        message: 'Invalid input: expected array, received string',
      },
      { line: 4, code: 'malformed_json', path: '', message: 'The line is not JSON' },
      { line: 5, code: 'payload_too_large', path: '', message: 'The line has more than 256 KiB' },
    ]);
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  test.each([
    ['a zero character', 'film\u0000'],
    ['half of a surrogate pair', 'film\ud800'],
  ])(
    'a line with %s in a title is accepted or rejected, and the others are accepted',
    async (name, title) => {
      const id = `odd-${name.replaceAll(' ', '-')}`;
      const { status, body } = await job.send(
        [line(`${id}-1`), line(`${id}-2`, { items: [title] }), line(`${id}-3`)].join(''),
      );
      expect(status).toBe(200);
      expect(Number(body.accepted) + (body.rejected as unknown[]).length).toBe(3);
      for (const userId of [`${id}-1`, `${id}-3`]) expect((await job.page(userId)).status).toBe(200);
    },
  );

  test('a file of only invalid lines returns a bounded list of them', async () => {
    const { status, body } = await job.send('nonsense\n'.repeat(3_000));
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 0 });
    expect((body.rejected as unknown[]).length).toBeLessThanOrEqual(1_000);
  });

  test('an empty file is accepted', async () => {
    const reply = await job.send('');
    expect(reply).toMatchObject({
      status: 200,
      body: { accepted: 0, unchanged: 0, stale: 0, rejected: [] },
    });
  });
});

describe('a nightly file that is to be refused when a line is wrong', () => {
  const sendChecked = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
    job.send(body, headers, '?onInvalid=refuse');

  test('is refused as a whole: nothing is written, and every wrong line is listed', async () => {
    const valid = lines(3 * BATCH, 'all-');
    const reply = await sendChecked(`${valid}nonsense\n${line('all-x', { version: -1 })}`);
    expectProblem(reply, 400, 'invalid_request');
    expect(reply.body).toMatchObject({
      rejectedCount: 2,
      rejected: [
        { line: 3 * BATCH + 1, code: 'malformed_json' },
        { line: 3 * BATCH + 2, code: 'invalid_request', path: 'version' },
      ],
    });
    expect(await job.pagesOf('all-')).toBe(0);
    expect((await job.run(reply.body.runId)).body).toMatchObject({
      status: 'refused',
      onInvalid: 'refuse',
      counts: { rows: 2, accepted: 0, rejectedCount: 2 },
      error: { code: 'invalid_request' },
      rejected: [{ line: 3 * BATCH + 1 }, { line: 3 * BATCH + 2 }],
    });
  });

  test('is written as any other when all lines are valid', async () => {
    const valid = lines(BATCH + 1, 'sure-');
    const reply = await sendChecked(gzipSync(valid), { 'content-encoding': 'gzip' });
    expect(reply).toMatchObject({ status: 200, body: { accepted: BATCH + 1, rejectedCount: 0 } });
    expect(await job.pagesOf('sure-')).toBe(BATCH + 1);
  });

  test('may have 64 MB, since it is held in memory until it has been read', async () => {
    const large = Buffer.alloc(65 * MB, line('big', { items: ['x'.repeat(200_000)] }));
    expectProblem(await sendChecked(large), 413, 'payload_too_large');
    const packed = await sendChecked(gzipSync(large), { 'content-encoding': 'gzip' });
    expectProblem(packed, 413, 'payload_too_large');
    expect(packed.body.detail).toContain('64 MB');
    expect(await job.pagesOf('big')).toBe(0);
  });

  test('must say so in a way that is known', async () => {
    const path = '/v1/recommendations?onInvalid=explode';
    expectProblem(await usher.backOffice.call('POST', path, line('boom')), 400, 'invalid_request');
    expect(await job.pagesOf('boom')).toBe(0);
  });
});

describe('a repeated or outdated nightly file has no second effect', () => {
  test('the same version is unchanged, an older one is stale, and no event is sent', async () => {
    await job.send([line('rep-1', { version: 5 }), line('rep-2', { version: 5 })].join(''));
    expect(
      await job.send([line('rep-1', { version: 5 }), line('rep-2', { version: 4, items: ['old'] })].join('')),
    ).toMatchObject({ body: { accepted: 0, unchanged: 1, stale: 1 } });
    expect([await job.offsetOf('rep-1'), await job.offsetOf('rep-2')]).toEqual([1, 1]);
    expect((await job.page('rep-2')).body).toMatchObject({ version: 5, items: ['film-1'] });
  });
});

describe('a nightly file that is sent again', () => {
  test('is only read, once its first pages turned out to be stored: the others are not locked', async () => {
    const count = (statement: string) => metric(usher, 'usher_statement_seconds_count', { statement });
    const file = lines(10 * BATCH, 'again-');
    await job.send(file);
    const before = [await count('merge-front-pages'), await count('compare-front-pages')] as const;
    const { body } = await job.send(`${file}${line('again-new')}${line('again-0', { version: 0 })}`);
    expect(body).toMatchObject({ accepted: 1, unchanged: 10 * BATCH, conflicting: 0, stale: 1 });
    // Three are under way before the first of them says so; one has the new page.
    expect((await count('merge-front-pages')) - before[0]).toBeLessThanOrEqual(4);
    expect((await count('compare-front-pages')) - before[1]).toBe(11);
  });
});

describe('a nightly file without the right service key', () => {
  test('is rejected before it is read', async () => {
    const sent = (key: string | undefined) =>
      call(usher.url, key, 'POST', '/v1/recommendations', line('keyless'), {
        'content-type': 'application/x-ndjson',
      });
    expectProblem(await sent(undefined), 401, 'unauthorized');
    expectProblem(await sent(`${ADMIN_KEY}x`), 401, 'unauthorized');
    expectProblem(await sent(await usher.token('keyless')), 401, 'unauthorized');
    expectProblem(await job.page('keyless'), 404, 'not_found');
  });
});

test('the log contains neither the key nor titles', async () => {
  expectCleanLog(usher, { title: 'film-1' });
});
