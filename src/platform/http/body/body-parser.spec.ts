import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import { bodyParser } from './body-parser.js';

describe('while many devices have unwritten events', () => {
  let server: Server;
  let load: { writesWaiting: number };
  beforeEach(async () => {
    load = { writesWaiting: 1_000 };
    const app = express();
    app.use(bodyParser(load, () => true));
    app.post('/', ({ body }, response) => void response.json({ received: JSON.stringify(body).length }));
    server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const post = (text: string, headers: Record<string, string>) => {
    const { port } = server.address() as AddressInfo;
    const sent = request({
      port,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    });
    const status = once(sent, 'response').then(
      ([response]) => (response as { statusCode: number }).statusCode,
    );
    sent.end(text);
    return status;
  };
  const small = '{"n":1}';
  const withLength = (text: string) => post(text, { 'content-length': String(text.length) });
  const large = JSON.stringify('x'.repeat(10_000)).replace(/^/, '[').concat(']');

  test.each([
    ['a long body', () => withLength(large)],
    ['a body that does not say how long it is', () => post(small, { 'transfer-encoding': 'chunked' })],
  ])('%s waits, and a short one that comes later does not', async (_, send) => {
    let hasCome = false;
    const waiting = send().then((status) => ((hasCome = true), status));
    for (let n = 0; n < 5; n += 1) expect(await withLength(small)).toBe(200);
    expect(hasCome).toBe(false);
    load.writesWaiting = 0;
    expect(await waiting).toBe(200);
  });
});
