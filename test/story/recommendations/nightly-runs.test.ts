import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { call } from '../../support/drivers/back-office.js';
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

/** A run as lists of runs have it. */
interface Row {
  readonly id: string;
  readonly status: string;
  readonly counts: { readonly accepted: number } | null;
}

describe('a nightly file is a run', () => {
  test('that says by which key it was sent, when, and what became of its lines', async () => {
    const { body: key } = await usher.backOffice.call('POST', '/v1/keys', {
      name: 'nightly',
      scopes: ['recommendations'],
    });
    await job.send(line('run-0'));
    const { body } = await call(
      usher.url,
      String(key.key),
      'POST',
      '/v1/recommendations',
      `${line('run-1')}${line('run-1')}nonsense\n`,
      { 'content-type': 'application/x-ndjson' },
    );
    expect(body).toMatchObject({ accepted: 1, unchanged: 1, rejectedCount: 1 });
    const found = (await job.run(body.runId)).body;
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
    expectProblem(await job.run('00000000-0000-0000-0000-000000000000'), 404, 'not_found');
    expectProblem(await job.run('1'), 400, 'invalid_request');
  });

  test('that costs two statements, however long it is', async () => {
    const statements = async () => {
      const [begun, ended] = await Promise.all(
        ['begin', 'end'].map((what) =>
          metric(usher, 'usher_statement_seconds_count', { statement: `recommendation-run-${what}` }),
        ),
      );
      return { begun, ended };
    };
    const before = await statements();
    await job.send(lines(4 * BATCH, 'long-run-'));
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
      request?.write(lines(BATCH / 10, `slow-${parts}-`));
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
    expect((await job.run(id)).body.status).toBe('interrupted');
    await store(30);
    expect((await job.run(id)).body.status).toBe('running');
  });

  test('that has failed when the file was cut off, and says what was committed', async () => {
    const packed = gzipSync(
      Array.from({ length: 3 * BATCH }, (_, n) => line(`fail-${n}`, { items: [Math.random()] })).join(''),
    );
    const { headers } = await job.send(packed.subarray(0, packed.length - 200), {
      'content-encoding': 'gzip',
    });
    expect((await job.run(headers.get('usher-run-id'))).body).toMatchObject({
      status: 'failed',
      counts: { accepted: 2 * BATCH },
      error: { code: 'invalid_request' },
    });
  });
});

test('the log contains neither the key nor titles', async () => {
  expectCleanLog(usher, { title: 'film-1' });
});
