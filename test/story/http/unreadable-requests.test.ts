import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { HttpReply } from '../../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

/** Sends these lines as they are, and returns the response once the connection is closed; the node closes it, or was asked to. */
function exchange(...lines: string[]): Promise<string> {
  const socket = connect(Number(new URL(usher.url).port), '127.0.0.1');
  socket.write(lines.join('\r\n'));
  return text(socket);
}
async function send(...lines: string[]): Promise<HttpReply> {
  const response = await exchange(...lines);
  const [head = '', body = ''] = response.split('\r\n\r\n');
  const [status = '', ...headers] = head.split('\r\n');
  return {
    status: Number(status.split(' ')[1]),
    headers: new Headers(headers.map((line) => line.split(': ') as [string, string])),
    body: JSON.parse(body) as Record<string, unknown>,
  };
}
const GET = ['GET /v1/plans HTTP/1.1', 'Connection: close'];
const CHUNKED = ['POST /v1/events HTTP/1.1', 'Host: usher', 'Transfer-Encoding: chunked'];

describe('a request that HTTP itself refuses gets a problem with a request id', () => {
  test.each<[what: string, status: number, code: string, lines: string[]]>([
    ['no HTTP', 400, 'invalid_request', ['nonsense', '', '']],
    ['a header with a wrong byte', 400, 'invalid_request', [...GET, 'Host: usher', 'X-A: a\u0000b', '', '']],
    ['no Host', 400, 'invalid_request', [...GET, '', '']],
    [
      'headers of 20 KB',
      431,
      'headers_too_large',
      [...GET, 'Host: usher', `X-A: ${'x'.repeat(20_000)}`, '', ''],
    ],
    ['an unknown expectation', 417, 'expectation_failed', [...GET, 'Host: usher', 'Expect: wonders', '', '']],
    ['a broken chunk', 400, 'invalid_request', [...CHUNKED, '', 'no size', '']],
    [
      'too long extensions of a chunk',
      413,
      'payload_too_large',
      [...CHUNKED, '', `1;${'x'.repeat(20_000)}`, ''],
    ],
  ])('%s', async (_, status, code, lines) => {
    const reply = await send(...lines);
    expectProblem(reply, status, code);
    expect(reply.body.type).toBe(`/docs/errors#${code}`);
    const id = reply.headers.get('x-request-id');
    expect(id).toMatch(/^[\w-]{8,}$/);
    expect(reply.body.requestId).toBe(id);
    await eventually('the log knows the id', () => usher.log().includes(`"${id}"`));
  });
});

test('a request whose body breaks off in the middle keeps the id that it was given', async () => {
  const reply = await send(...CHUNKED, 'X-Request-Id: mine', '', 'no size', '');
  expectProblem(reply, 400, 'invalid_request');
  expect([reply.headers.get('x-request-id'), reply.body.requestId]).toEqual(['mine', 'mine']);
});

test('a client that waits for 100 Continue, or speaks HTTP/1.0 without Host, is served', async () => {
  const patient = ['GET /health/live HTTP/1.1', 'Connection: close', 'Host: usher', 'Expect: 100-continue'];
  expect(await exchange(...patient, '', '')).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  expect(await exchange('GET /health/live HTTP/1.0', '', '')).toMatch(/^HTTP\/1\.1 200 /);
});
