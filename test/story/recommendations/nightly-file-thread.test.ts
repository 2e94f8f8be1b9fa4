import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { BATCH, line, lines, NightlyJob } from '../../support/drivers/nightly-job.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog } from '../../support/expectations.js';
import { metric } from '../../support/metric.js';

const THREADS_END = fileURLToPath(new URL('../../support/nodes/threads-end-on-signal.mjs', import.meta.url));
let usher: TestUsher;
let job: NightlyJob;
beforeAll(async () => {
  usher = await startUsher({ NODE_OPTIONS: `--import=${THREADS_END}` });
  job = new NightlyJob(usher);
});
afterAll(() => usher.stop());

/** Lines that were checked there so far. */
const checked = (where: 'event_loop' | 'thread') =>
  metric(usher, 'usher_recommendation_lines_total', { where });
/** Lines of a kilobyte: a few hundred are a large file. */
const large = (count: number, prefix: string) =>
  lines(count, prefix, { items: ['film-1', 'x'.repeat(1_000)] });

describe('a nightly file', () => {
  test('that is small is checked in the event loop, without a thread', async () => {
    const before = [await checked('event_loop'), await checked('thread')] as const;
    await job.send(lines(2 * BATCH, 'small-'));
    expect([await checked('event_loop'), await checked('thread')]).toEqual([
      before[0] + 2 * BATCH,
      before[1],
    ]);
  });

  test('that is large is checked in a thread; its lines keep their numbers, and devices get their events', async () => {
    const device = await usher.device('amy', 'amy-tv');
    const items = Array.from({ length: 30 }, (_, n) => ({ titleId: `t${n}`, name: `Ünï ${n}` }));
    const before = [await checked('event_loop'), await checked('thread')] as const;
    const { body } = await job.send(
      [
        large(1_500, 'large-'),
        line('large-0', { version: 2 }),
        line('large-0', { version: 3 }),
        'nonsense\n',
        line('amy', { items }),
        line('large-x', { version: -1 }).trimEnd(),
      ].join(''),
    );
    expect(body).toMatchObject({
      accepted: 1_503,
      rejectedCount: 2,
      rejected: [
        { line: 1_503, code: 'malformed_json' },
        { line: 1_505, code: 'invalid_request', path: 'version' },
      ],
    });
    const [inLoop, inThread] = [await checked('event_loop'), await checked('thread')];
    expect(inLoop + inThread - before[0] - before[1]).toBe(1_505);
    expect(inThread - before[1]).toBeGreaterThan(1_000);
    const { data } = await device.waitFor('recommendations.ready');
    expect(data).toEqual({
      profileId: 'main',
      version: 1,
      items: items.slice(0, 20),
      url: '/v1/me/recommendations/main',
    });
    expect((await job.page('amy')).body).toEqual({ profileId: 'main', version: 1, items });
    expect((await job.page('large-0')).body).toMatchObject({ version: 3 });
  });
});

describe('a nightly file whose thread ends', () => {
  test('fails, keeps what was accepted, and can be sent again to a new thread', async () => {
    const file = large(4 * BATCH, 'end-');
    const { request, response } = openFile();
    request.write(file.slice(0, file.length / 2));
    await eventually('a part is stored', async () => (await job.pagesOf('end-')) >= BATCH);
    expect(await checked('thread')).toBeGreaterThan(0);
    process.kill(usher.pid, 'SIGWINCH');
    request.end(file.slice(file.length / 2));
    const reply = await response;
    const said = JSON.parse((await text(reply)).trimEnd().split('\n').at(-1) ?? '') as Record<
      string,
      unknown
    >;
    expect(said.error ?? said).toMatchObject({
      code: 'unavailable',
      retryable: true,
      detail: expect.stringContaining('thread'),
    });
    const accepted = await job.pagesOf('end-');
    expect((await job.run(reply.headers['usher-run-id'])).body).toMatchObject({
      status: 'failed',
      counts: { accepted },
      error: { code: 'unavailable' },
    });
    expect(accepted).toBeLessThan(4 * BATCH);
    const before = await checked('thread');
    expect((await job.send(file)).body).toMatchObject({
      accepted: 4 * BATCH - accepted,
      unchanged: accepted,
      conflicting: 0,
      stale: 0,
      rejectedCount: 0,
    });
    expect(await checked('thread')).toBeGreaterThan(before);
    expect(await job.offsetOf('end-0')).toBe(1);
  });
});

test('the log contains neither the key nor titles', async () => {
  expectCleanLog(usher, { title: 'film-1' });
});

/** A nightly file that is written piece by piece. */
function openFile(): { readonly request: ClientRequest; readonly response: Promise<IncomingMessage> } {
  const request = httpRequest(`${usher.url}/v1/recommendations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/x-ndjson' },
  });
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  return { request, response };
}
