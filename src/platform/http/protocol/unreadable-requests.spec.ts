import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { refuseUnreadable } from './unreadable-requests.js';

let server: Server;
beforeEach(async () => {
  Logger.overrideLogger(false);
  server = createServer({ connectionsCheckingInterval: 20, headersTimeout: 50, requestTimeout: 100 });
  server.on(
    'clientError',
    refuseUnreadable(() => '/docs'),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

/** Sends this on a new connection, and returns all that comes until it is closed. */
async function exchange(request: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(request);
  return text(socket);
}
const statusOf = (response: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(response)?.[1]);
const bodyOf = (response: string) =>
  JSON.parse(response.slice(response.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>;

test.each([
  ['whose headers do not end in time', 'GET / HTTP/1.1\r\nHost: usher\r\n'],
  ['whose body does not end in time', 'POST / HTTP/1.1\r\nHost: usher\r\nContent-Length: 5\r\n\r\nabc'],
])('a request %s is refused as request_timeout', async (_, request) => {
  const response = await exchange(request);
  expect([statusOf(response), bodyOf(response)]).toMatchObject([
    408,
    { code: 'request_timeout', retryable: true },
  ]);
});

test('a refusal says how long it is, and that the connection ends', async () => {
  const response = await exchange('nonsense\r\n\r\n');
  const [head = '', body = ''] = response.split('\r\n\r\n');
  expect(head.split('\r\n')).toEqual([
    'HTTP/1.1 400 Bad Request',
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    expect.stringMatching(/^X-Request-Id: [\w-]+$/),
    'Connection: close',
  ]);
});

describe('the connection ends, and nothing is written', () => {
  test('to whoever opened it and sent nothing', async () => {
    expect(await exchange('')).toBe('');
  });

  test('into a response that has begun', async () => {
    server.on('request', (_request, response) => void response.write('begun'));
    const head = 'POST / HTTP/1.1\r\nHost: usher\r\nTransfer-Encoding: chunked\r\n\r\n';
    const response = await exchange(`${head}3\r\nabc\r\nnot a chunk`);
    expect(response).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(response.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('that would be taken for the response to a call that is being carried out', async () => {
    const isCalled = once(server, 'request');
    expect(await exchange('GET / HTTP/1.1\r\nHost: usher\r\n\r\nnonsense\r\n\r\n')).toBe('');
    await isCalled;
  });
});
