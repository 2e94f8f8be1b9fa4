import { request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Express } from 'express';
import { UsherExpressAdapter } from './usher-express.adapter.js';

let adapter: UsherExpressAdapter;
let server: Server;

beforeEach(() => {
  adapter = new UsherExpressAdapter();
  adapter.initHttpServer();
  server = adapter.getHttpServer();
});

afterEach(() => adapter.close());

const listen = () =>
  new Promise<string>((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    ),
  );

test('Express changes the prototype of no request and no response', async () => {
  const kinds: unknown[] = [];
  server.prependListener('request', (request, response) => {
    kinds.push(Object.getPrototypeOf(request), Object.getPrototypeOf(response));
  });
  adapter.getInstance<Express>().use((request, response) => {
    kinds.push(Object.getPrototypeOf(request), Object.getPrototypeOf(response));
    response.json({ path: request.path, type: request.get('accept') });
  });

  const answer = await fetch(await listen(), { headers: { accept: 'text/x-test' } });

  expect(await answer.json()).toEqual({ path: '/', type: 'text/x-test' });
  const [request, response, requestInExpress, responseInExpress] = kinds;
  expect(requestInExpress).toBe(request);
  expect(responseInExpress).toBe(response);
});

test('Express hashes no response for an ETag that nobody asked for', async () => {
  adapter.getInstance<Express>().use((_request, response) => void response.json({}));
  expect((await fetch(await listen())).headers.get('etag')).toBeNull();
});

test('a response that never ends does not delay the end of the server', async () => {
  adapter.getInstance<Express>().use((_request, response) => void response.write('and so on'));
  const url = await listen();
  const isCut = new Promise((resolve) =>
    httpRequest(url, (response) => {
      response.resume();
      response.on('close', resolve).on('error', resolve);
    }).end(),
  );
  await new Promise((resolve) => server.once('request', resolve));

  await adapter.close();
  await isCut;
});
