import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { call, type HttpReply } from '../../support/drivers/back-office.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog, expectProblem } from '../../support/expectations.js';
import { INVALID_IDS, nestedJson } from '../../support/invalid-input.js';
import { metric } from '../../support/metric.js';

/** A run as lists of runs have it. */
interface Row {
  readonly id: string;
  readonly status: string;
  readonly counts: { readonly accepted: number } | null;
}
/** How many lines are committed together. */
const BATCH = 500;
const MB = 1024 * 1024;

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const line = (userId: string, more: Record<string, unknown> = {}): string =>
  `${JSON.stringify({ userId, version: 1, items: ['film-1'], ...more })}\n`;
const send = (body: string | Uint8Array, headers: Record<string, string> = {}): Promise<HttpReply> =>
  usher.backOffice.call('POST', '/v1/recommendations', body, {
    'content-type': 'application/x-ndjson',
    ...headers,
  });
const page = async (userId: string, profileId = 'main'): Promise<HttpReply> =>
  usher.callAs(userId, 'GET', `/v1/me/recommendations/${profileId}`);
const offsetOf = async (userId: string) => (await usher.state(userId)).position.offset;
const run = (id: unknown) => usher.backOffice.call('GET', `/v1/recommendation-runs/${String(id)}`);
const pagesOf = async (prefix: string): Promise<number> => {
  const [row] = await usher.database.query<{ count: string }>(
    'SELECT count(*) FROM recommendation WHERE starts_with(user_id, $1)',
    [prefix],
  );
  return Number(row?.count);
};
/** Returns the resident memory of the node in bytes. */
const memory = () => metric(usher, 'usher_process_resident_memory_bytes');
/** Returns by how many bytes the node's memory grew at most during the action. */
async function memoryDuring(act: () => Promise<void>): Promise<number> {
  const before = await memory();
  let highest = before;
  let done = false;
  const carriedOut = act().finally(() => (done = true));
  await eventually(
    'the action is done',
    async () => {
      highest = Math.max(highest, await memory());
      return done;
    },
    60_000,
  );
  await carriedOut;
  return highest - before;
}

describe('an invalid line of a nightly file is rejected alone', () => {
  test('and so is a valid one that cannot be written: the others of its batch, and those after it, are accepted', async () => {
    await usher.database.query(`ALTER TABLE recommendation ADD CONSTRAINT broken CHECK (user_id <> 'poi-7')`);
    const { body } = await send(Array.from({ length: BATCH + 10 }, (_, n) => line(`poi-${n}`)).join(''));
    await usher.database.query('ALTER TABLE recommendation DROP CONSTRAINT broken');
    expect(body).toMatchObject({
      accepted: BATCH + 9,
      rejectedCount: 1,
      rejected: [{ line: 8, code: 'internal' }],
    });
    expect(await pagesOf('poi-')).toBe(BATCH + 9);
  });

  test('with its number and the reason; the lines around it are accepted', async () => {
    const lines: [text: string, code?: string][] = [
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
    const { status, body } = await send(lines.map(([text]) => text).join(''));
    expect(status).toBe(200);
    const said = { path: expect.any(String), message: expect.stringMatching(/./) };
    const rejected = lines
      .map(([, code], index) => ({ line: index + 1, code }))
      .filter(({ code }) => code !== undefined);
    expect(body.rejected).toEqual(rejected.map((one) => expect.objectContaining({ ...one, ...said })));
    expect(body).toMatchObject({ accepted: 3, unchanged: 0, stale: 0 });
    for (const userId of ['lin-1', 'lin-2', 'lin-3']) expect((await page(userId)).status).toBe(200);
    expectProblem(await page('lin-x'), 404, 'not_found');
  });

  test('with the field that is wrong and what is wrong with it, and never with what was in it', async () => {
    const { body } = await send(
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
      const { status, body } = await send(
        [line(`${id}-1`), line(`${id}-2`, { items: [title] }), line(`${id}-3`)].join(''),
      );
      expect(status).toBe(200);
      expect(Number(body.accepted) + (body.rejected as unknown[]).length).toBe(3);
      for (const userId of [`${id}-1`, `${id}-3`]) expect((await page(userId)).status).toBe(200);
    },
  );

  test('a file of only invalid lines returns a bounded list of them', async () => {
    const { status, body } = await send('nonsense\n'.repeat(3_000));
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 0 });
    expect((body.rejected as unknown[]).length).toBeLessThanOrEqual(1_000);
  });

  test('an empty file is accepted', async () => {
    const reply = await send('');
    expect(reply).toMatchObject({
      status: 200,
      body: { accepted: 0, unchanged: 0, stale: 0, rejected: [] },
    });
  });
});

describe('a nightly file that is to be refused when a line is wrong', () => {
  const sendChecked = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
    usher.backOffice.call('POST', '/v1/recommendations?onInvalid=refuse', body, {
      'content-type': 'application/x-ndjson',
      ...headers,
    });

  test('is refused as a whole: nothing is written, and every wrong line is listed', async () => {
    const valid = Array.from({ length: 3 * BATCH }, (_, n) => line(`all-${n}`)).join('');
    const reply = await sendChecked(`${valid}nonsense\n${line('all-x', { version: -1 })}`);
    expectProblem(reply, 400, 'invalid_request');
    expect(reply.body).toMatchObject({
      rejectedCount: 2,
      rejected: [
        { line: 3 * BATCH + 1, code: 'malformed_json' },
        { line: 3 * BATCH + 2, code: 'invalid_request', path: 'version' },
      ],
    });
    expect(await pagesOf('all-')).toBe(0);
    expect((await run(reply.body.runId)).body).toMatchObject({
      status: 'refused',
      onInvalid: 'refuse',
      counts: { rows: 2, accepted: 0, rejectedCount: 2 },
      error: { code: 'invalid_request' },
      rejected: [{ line: 3 * BATCH + 1 }, { line: 3 * BATCH + 2 }],
    });
  });

  test('is written as any other when all lines are valid', async () => {
    const valid = Array.from({ length: BATCH + 1 }, (_, n) => line(`sure-${n}`)).join('');
    const reply = await sendChecked(gzipSync(valid), { 'content-encoding': 'gzip' });
    expect(reply).toMatchObject({ status: 200, body: { accepted: BATCH + 1, rejectedCount: 0 } });
    expect(await pagesOf('sure-')).toBe(BATCH + 1);
  });

  test('may have 64 MB, since it is held in memory until it has been read', async () => {
    // Plain: what unpacks to far more than it holds is refused for that.
    const large = Buffer.alloc(65 * MB, line('big', { items: ['x'.repeat(200_000)] }));
    expectProblem(await sendChecked(large), 413, 'payload_too_large');
    expect(await pagesOf('big')).toBe(0);
  });

  test('must say so in a way that is known', async () => {
    const path = '/v1/recommendations?onInvalid=explode';
    expectProblem(await usher.backOffice.call('POST', path, line('boom')), 400, 'invalid_request');
    expect(await pagesOf('boom')).toBe(0);
  });
});

describe('a nightly file is a run', () => {
  test('that says by which key it was sent, when, and what became of its lines', async () => {
    const { body: key } = await usher.backOffice.call('POST', '/v1/keys', {
      name: 'nightly',
      scopes: ['recommendations'],
    });
    const { body } = await call(
      usher.url,
      String(key.key),
      'POST',
      '/v1/recommendations',
      `${line('run-1')}${line('run-1')}nonsense\n`,
      { 'content-type': 'application/x-ndjson' },
    );
    expect(body).toMatchObject({ accepted: 1, unchanged: 1, rejectedCount: 1 });
    const found = (await run(body.runId)).body;
    const listed = {
      id: body.runId,
      keyId: key.id,
      onInvalid: 'skip',
      status: 'done',
      startedAt: expect.stringMatching(/Z$/),
      endedAt: expect.stringMatching(/Z$/),
      counts: { rows: 3, accepted: 1, unchanged: 1, conflicting: 0, stale: 0, rejectedCount: 1 },
      error: null,
    };
    expect(found).toEqual({
      ...listed,
      rejected: [{ line: 3, code: 'malformed_json', path: '', message: 'The line is not JSON' }],
    });
    const { body: list } = await usher.backOffice.call('GET', '/v1/recommendation-runs?limit=1');
    expect(list.runs).toEqual([{ ...listed, startedAt: found.startedAt, endedAt: found.endedAt }]);
    const older = await usher.backOffice.call(
      'GET',
      `/v1/recommendation-runs?limit=1&before=${String(list.next)}`,
    );
    expect((older.body.runs as { id: string }[])[0]?.id).not.toBe(body.runId);
    expectProblem(await call(usher.url, String(key.key), 'GET', '/v1/recommendation-runs'), 403, 'forbidden');
    expectProblem(await run('00000000-0000-0000-0000-000000000000'), 404, 'not_found');
    expectProblem(await run('1'), 400, 'invalid_request');
  });

  test('that costs two statements, however long it is', async () => {
    const statements = async () => {
      const [begun, ended] = await Promise.all(
        ['begin', 'end'].map((what) =>
          metric(usher, `usher_statement_seconds_count{statement="recommendation-run-${what}"}`),
        ),
      );
      return { begun, ended };
    };
    const before = await statements();
    await send(Array.from({ length: 4 * BATCH }, (_, n) => line(`long-run-${n}`)).join(''));
    const after = await statements();
    expect([after.begun, after.ended]).toEqual([Number(before.begun) + 1, Number(before.ended) + 1]);
  });

  test('that says how far it is while the file comes', async () => {
    let request: ClientRequest | undefined;
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      request = httpRequest(`${usher.url}/v1/recommendations`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/x-ndjson' },
      });
      request.on('response', resolve).on('error', reject);
    });
    const [newest] = (await usher.backOffice.call('GET', '/v1/recommendation-runs?limit=1')).body
      .runs as Row[];
    let parts = 0;
    await eventually('the run tells its counts', async () => {
      parts += 1;
      request?.write(Array.from({ length: BATCH / 10 }, (_, n) => line(`slow-${parts}-${n}`)).join(''));
      const [row] = (await usher.backOffice.call('GET', '/v1/recommendation-runs?limit=1')).body
        .runs as Row[];
      return row?.id !== newest?.id && row?.status === 'running' && (row.counts?.accepted ?? 0) >= BATCH;
    });
    request?.end();
    (await response).resume();
  });

  test('that is called interrupted when its node has said nothing for a minute', async () => {
    const id = randomUUID();
    const store = (seconds: number) =>
      usher.database.query(
        `INSERT INTO recommendation_run (id, key_id, on_invalid, started_at, seen_at)
         VALUES ($1, 'nightly', 'skip', now() - interval '1 hour', now() - $2 * interval '1 second')
         ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`,
        [id, seconds],
      );
    await store(61);
    expect((await run(id)).body.status).toBe('interrupted');
    await store(30);
    expect((await run(id)).body.status).toBe('running');
  });

  test('that has failed when the file was cut off, and says what was committed', async () => {
    const packed = gzipSync(
      Array.from({ length: 3 * BATCH }, (_, n) => line(`fail-${n}`, { items: [Math.random()] })).join(''),
    );
    const { headers } = await send(packed.subarray(0, packed.length - 200), { 'content-encoding': 'gzip' });
    expect((await run(headers.get('usher-run-id'))).body).toMatchObject({
      status: 'failed',
      counts: { accepted: 2 * BATCH },
      error: { code: 'invalid_request' },
    });
  });
});

describe('a repeated or outdated nightly file has no second effect', () => {
  test('the same version is unchanged, an older one is stale, and no event is sent', async () => {
    await send([line('rep-1', { version: 5 }), line('rep-2', { version: 5 })].join(''));
    expect(
      await send([line('rep-1', { version: 5 }), line('rep-2', { version: 4, items: ['old'] })].join('')),
    ).toMatchObject({ body: { accepted: 0, unchanged: 1, stale: 1 } });
    expect([await offsetOf('rep-1'), await offsetOf('rep-2')]).toEqual([1, 1]);
    expect((await page('rep-2')).body).toMatchObject({ version: 5, items: ['film-1'] });
  });
});

describe('a nightly file that is cut off', () => {
  /** Two complete batches, and a third that ends in the middle of a line. */
  const completeBatches = (prefix: string): string =>
    Array.from({ length: 2 * BATCH }, (_, n) => line(`${prefix}${n}`)).join('');
  const unfinishedBatch = (prefix: string): string =>
    line(`${prefix}late`) + line(`${prefix}half`).slice(0, 20);

  test('in the middle of a line keeps the batches before, and nothing else', async () => {
    await sendAndDisconnect([completeBatches('cut-'), unfinishedBatch('cut-')], () =>
      eventually('two batches are stored', async () => (await pagesOf('cut-')) === 2 * BATCH),
    );
    await eventually('the node logged the closed connection', () =>
      usher
        .log()
        .split('\n')
        .some((entry) => entry.includes('/v1/recommendations') && /abort|reset|cut/i.test(entry)),
    );
    expect(await pagesOf('cut-')).toBe(2 * BATCH);
    expectProblem(await page('cut-half'), 404, 'not_found');
    expect(await offsetOf('cut-0')).toBe(1);
  });

  test('can be sent again and is then complete', async () => {
    const { body } = await send(completeBatches('cut-') + line('cut-late') + line('cut-half'));
    expect(body).toMatchObject({ accepted: 2, unchanged: 2 * BATCH, rejected: [] });
    expect(await offsetOf('cut-0')).toBe(1);
  });
});

describe('a compressed nightly file', () => {
  test('is accepted as gzip', async () => {
    expect(await send(gzipSync(line('zip-1') + line('zip-2')), { 'content-encoding': 'gzip' })).toMatchObject(
      { status: 200, body: { accepted: 2 } },
    );
    expect((await page('zip-2')).status).toBe(200);
  });

  test.each(['br', 'deflate', 'gzip, gzip', 'zstd'])('is rejected as %s', async (encoding) => {
    expectProblem(
      await send(gzipSync(line('zip-other')), { 'content-encoding': encoding }),
      415,
      'unsupported_media_type',
    );
    expectProblem(await page('zip-other'), 404, 'not_found');
  });

  test('that is not gzip is rejected', async () => {
    expectProblem(await send(line('zip-plain'), { 'content-encoding': 'gzip' }), 400, 'invalid_request');
    expectProblem(await page('zip-plain'), 404, 'not_found');
  });

  test('that ends too early keeps the batches before, and the response says that it is incomplete', async () => {
    const packed = gzipSync(
      Array.from({ length: 3 * BATCH }, (_, n) => line(`early-${n}`, { items: [Math.random()] })).join(''),
    );
    const { body } = await send(packed.subarray(0, packed.length - 200), { 'content-encoding': 'gzip' });
    const problem = (body.error ?? body) as Record<string, unknown>;
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request', retryable: false });
    expect(await pagesOf('early-')).toBe(2 * BATCH);
  });

  test('that is damaged in the middle returns an error', async () => {
    const packed = gzipSync(
      Array.from({ length: 3 * BATCH }, (_, n) => line(`bent-${n}`, { items: [Math.random()] })).join(''),
    );
    packed.fill(0xff, packed.length - 2_000, packed.length - 1_500);
    const { body } = await send(packed, { 'content-encoding': 'gzip' });
    expect((body.error ?? body) as Record<string, unknown>).toMatchObject({
      status: 400,
      code: 'invalid_request',
      retryable: false,
    });
    expect((await pagesOf('bent-')) % BATCH).toBe(0);
  });

  test.each([
    ['zeros', '\0'],
    ['newlines', '\n'],
    ['spaces', ' '],
  ])('of 200 MB of %s is rejected, with bounded memory', async (_, character) => {
    const bomb = gzipSync(Buffer.alloc(200 * MB, character));
    const grown = await memoryDuring(async () => {
      expectProblem(await send(bomb, { 'content-encoding': 'gzip' }), 413, 'payload_too_large');
    });
    expect(grown).toBeLessThan(100 * MB);
    expect((await send(line('after-the-bomb'))).status).toBe(200);
  });
});

describe('a large nightly file', () => {
  test('may have a line that is far too long, which is skipped with bounded memory', async () => {
    let reply: HttpReply | undefined;
    const grown = await memoryDuring(async () => {
      reply = await sendPieces([
        line('long-1'),
        ...Array.from({ length: 100 }, () => 'x'.repeat(MB)),
        '\n',
        line('long-2'),
      ]);
    });
    expect(reply?.body).toMatchObject({ accepted: 2, rejected: [{ line: 2, code: 'payload_too_large' }] });
    expect(grown).toBeLessThan(100 * MB);
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
    expectProblem(await page('keyless'), 404, 'not_found');
  });
});

test('the log contains neither the key nor titles', async () => {
  expectCleanLog(usher, { title: 'film-1' });
});

/** Sends the pieces, waits for the condition, and closes the connection. */
async function sendAndDisconnect(
  pieces: readonly string[],
  condition: () => Promise<unknown>,
): Promise<void> {
  const request = httpRequest(`${usher.url}/v1/recommendations`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      'content-type': 'application/x-ndjson',
      'transfer-encoding': 'chunked',
    },
  });
  request.on('error', () => undefined);
  for (const piece of pieces) request.write(piece);
  await condition();
  request.destroy();
}

/** Sends the pieces as a stream, with backpressure. */
async function sendPieces(pieces: readonly string[]): Promise<HttpReply> {
  const response = await fetch(`${usher.url}/v1/recommendations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/x-ndjson' },
    body: Readable.toWeb(Readable.from(pieces.map((piece) => Buffer.from(piece)))) as ReadableStream,
    duplex: 'half',
  } as RequestInit);
  const lines = (await response.text()).trimEnd().split('\n');
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>,
  };
}
