import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { HttpReply } from '../../support/drivers/back-office.js';
import { BATCH, line, lines, NightlyJob } from '../../support/drivers/nightly-job.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog, expectProblem } from '../../support/expectations.js';
import { metric } from '../../support/metric.js';

let usher: TestUsher;
let job: NightlyJob;
beforeAll(async () => {
  usher = await startUsher();
  job = new NightlyJob(usher);
});
afterAll(() => usher.stop());

const MB = 1024 * 1024;

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

describe('a nightly file that is cut off', () => {
  /** Two complete batches, and a third that ends in the middle of a line. */
  const completeBatches = (prefix: string): string => lines(2 * BATCH, prefix);
  const unfinishedBatch = (prefix: string): string =>
    line(`${prefix}late`) + line(`${prefix}half`).slice(0, 20);

  test('in the middle of a line keeps the batches before, and nothing else', async () => {
    await sendAndDisconnect([completeBatches('cut-'), unfinishedBatch('cut-')], () =>
      eventually('two batches are stored', async () => (await job.pagesOf('cut-')) === 2 * BATCH),
    );
    await eventually('the node logged the closed connection', () =>
      usher
        .log()
        .split('\n')
        .some((entry) => entry.includes('/v1/recommendations') && /abort|reset|cut/i.test(entry)),
    );
    expect(await job.pagesOf('cut-')).toBe(2 * BATCH);
    expectProblem(await job.page('cut-half'), 404, 'not_found');
    expect(await job.offsetOf('cut-0')).toBe(1);
  });

  test('can be sent again and is then complete', async () => {
    const { body } = await job.send(completeBatches('cut-') + line('cut-late') + line('cut-half'));
    expect(body).toMatchObject({ accepted: 2, unchanged: 2 * BATCH, rejected: [] });
    expect(await job.offsetOf('cut-0')).toBe(1);
  });
});

describe('a compressed nightly file', () => {
  test('is accepted as gzip', async () => {
    expect(
      await job.send(gzipSync(line('zip-1') + line('zip-2')), { 'content-encoding': 'gzip' }),
    ).toMatchObject({ status: 200, body: { accepted: 2 } });
    expect((await job.page('zip-2')).status).toBe(200);
  });

  test.each(['br', 'deflate', 'gzip, gzip', 'zstd'])('is rejected as %s', async (encoding) => {
    expectProblem(
      await job.send(gzipSync(line('zip-other')), { 'content-encoding': encoding }),
      415,
      'unsupported_media_type',
    );
    expectProblem(await job.page('zip-other'), 404, 'not_found');
  });

  test('that is not gzip is rejected', async () => {
    expectProblem(await job.send(line('zip-plain'), { 'content-encoding': 'gzip' }), 400, 'invalid_request');
    expectProblem(await job.page('zip-plain'), 404, 'not_found');
  });

  test('that ends too early keeps the batches before, and the response says that it is incomplete', async () => {
    const packed = gzipSync(
      Array.from({ length: 3 * BATCH }, (_, n) => line(`early-${n}`, { items: [Math.random()] })).join(''),
    );
    const { body } = await job.send(packed.subarray(0, packed.length - 200), { 'content-encoding': 'gzip' });
    const problem = (body.error ?? body) as Record<string, unknown>;
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request', retryable: false });
    expect(await job.pagesOf('early-')).toBe(2 * BATCH);
  });

  test('that is damaged in the middle returns an error', async () => {
    const packed = gzipSync(
      Array.from({ length: 3 * BATCH }, (_, n) => line(`bent-${n}`, { items: [Math.random()] })).join(''),
    );
    packed.fill(0xff, packed.length - 2_000, packed.length - 1_500);
    const { body } = await job.send(packed, { 'content-encoding': 'gzip' });
    expect((body.error ?? body) as Record<string, unknown>).toMatchObject({
      status: 400,
      code: 'invalid_request',
      retryable: false,
    });
    expect((await job.pagesOf('bent-')) % BATCH).toBe(0);
  });

  test('is accepted however well it compresses', async () => {
    const items = Array.from({ length: 500 }, () => 'the same film on every front page');
    const file = Array.from({ length: 2 * BATCH }, (_, n) => line(`alike-${n}`, { items })).join('');
    const packed = gzipSync(file, { level: 9 });
    expect(file.length).toBeGreaterThan(Math.max(8 * MB, packed.length * 120));
    expect(await job.send(packed, { 'content-encoding': 'gzip' })).toMatchObject({
      status: 200,
      body: { accepted: 2 * BATCH, rejectedCount: 0 },
    });
    expect(await job.pagesOf('alike-')).toBe(2 * BATCH);
  });

  test.each([
    ['zeros', '\0', 1],
    ['newlines', '\n', 0],
    ['spaces', ' ', 1],
  ])('of 200 MB of %s holds no page, and takes bounded memory', async (_, character, rejectedCount) => {
    const bomb = gzipSync(Buffer.alloc(200 * MB, character));
    const grown = await memoryDuring(async () => {
      const { status, body } = await job.send(bomb, { 'content-encoding': 'gzip' });
      expect([status, body.accepted, body.rejectedCount]).toEqual([200, 0, rejectedCount]);
    });
    expect(grown).toBeLessThan(100 * MB);
    expect((await job.send(line('after-the-bomb'))).status).toBe(200);
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
