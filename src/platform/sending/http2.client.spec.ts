import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import { constants, createServer, type Http2Server, type ServerHttp2Stream, type Settings } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Http2Client } from './http2.client.js';
import { networkErrorResult } from './send-result.js';

let server: Http2Server | undefined;
const clients: Http2Client[] = [];

afterEach(async () => {
  jest.useRealTimers();
  for (const client of clients.splice(0)) client.close();
  if (server?.listening) await new Promise((resolve) => server?.close(resolve));
});

/** Returns a client of a server that does this with each request; the number of the first request is 1. */
async function clientOf(
  respond: (stream: ServerHttp2Stream, count: number) => void,
  settings: Settings = {},
) {
  let count = 0;
  server = createServer({ settings });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume().once('end', () => respond(stream, (count += 1)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return clientAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function clientAt(origin: string): Http2Client {
  const client = new Http2Client(origin, {});
  clients.push(client);
  return client;
}

const post = (client: Http2Client, signal = new AbortController().signal) =>
  client.post('/', {}, 'body', signal);
const respondOk = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200 });
  stream.end('{}');
};

describe('requests over HTTP/2', () => {
  test('go on after bodies of a 200 that never ended had taken all streams', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    const client = await clientOf(
      (stream, count) => {
        if (count > 200) respondOk(stream);
        else {
          stream.respond({ ':status': 200 });
          stream.write('{');
        }
      },
      { maxConcurrentStreams: 100 },
    );
    await Promise.all(Array.from({ length: 200 }, () => post(client)));
    const next = post(client);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await next).toMatchObject({ status: 200 });
  });

  test('have the status of a response although its session failed before the end of the body', async () => {
    const client = await clientOf((stream) => {
      stream.respond({ ':status': 429, 'retry-after': '7' });
      stream.write('{');
      // The client has the status once it has answered the ping.
      stream.session?.ping(() => stream.session?.goaway(constants.NGHTTP2_INTERNAL_ERROR));
    });
    expect(await post(client)).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
  });

  test('say why there was no connection', async () => {
    const client = await clientOf(respondOk);
    await new Promise((resolve) => server?.close(resolve));
    const error: unknown = await post(client).catch((thrown: unknown) => thrown);
    expect(networkErrorResult(error)).toMatchObject({ is: 'retry', reason: 'ECONNREFUSED' });
  });

  test('use the other session when the server allows the first no more streams', async () => {
    const client = await clientOf(
      (stream, count) => {
        if (count !== 2) stream.respond({ ':status': 503 }, { endStream: true });
      },
      { maxConcurrentStreams: 1 },
    );
    await post(client);
    void post(client).catch(() => {});
    expect(await post(client)).toMatchObject({ status: 503 });
  });

  test('are ended by closing the client, also on a session that got a GOAWAY', async () => {
    const client = await clientOf((stream, count) => {
      if (count === 1) stream.session?.goaway();
      else respondOk(stream);
    });
    let sessions = 0;
    server?.on('session', () => (sessions += 1));
    const ended = post(client).catch((error: unknown) => error);
    while (sessions < 2) await post(client);
    client.close();
    expect(await ended).toMatchObject({ code: 'ECONNRESET' });
  });

  test('go by another session when one responds to pings alone', async () => {
    const client = await clientOf((stream, count) => {
      if (stream.session === hanging) asked.emit('request');
      else respondOk(stream);
      hanging ??= count === 1 ? stream.session : undefined;
    });
    let hanging: ServerHttp2Stream['session'];
    const asked = new EventEmitter();
    await post(client);
    let isAnswered = false;
    for (let n = 0; n < 10 && !isAnswered; n += 1) {
      const timeout = new AbortController();
      void once(asked, 'request').then(() => timeout.abort());
      isAnswered = await post(client, timeout.signal).then(
        () => true,
        () => false,
      );
    }
    expect(isAnswered).toBe(true);
  });

  test('keep a session that reset some of them, when their time is up', async () => {
    const client = await clientOf((stream, count) =>
      count > 10 ? respondOk(stream) : stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    );
    let sessions = 0;
    server?.on('session', () => (sessions += 1));
    const timeouts = Array.from({ length: 10 }, () => new AbortController());
    for (const { signal } of timeouts)
      await expect(post(client, signal)).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
    for (const timeout of timeouts) timeout.abort();
    await post(client);
    expect(sessions).toBe(1);
  });

  test('keep a session whose response to a ping had come while the event loop stood still', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    const timeout = new AbortController();
    const client = await clientOf((stream, count) => (count === 1 ? timeout.abort() : respondOk(stream)));
    let sessions = 0;
    let hasPaused = false;
    server?.on('session', (session) => {
      sessions += 1;
      // In the immediate the response is on its way, and nobody has read it.
      session.once('ping', () =>
        setImmediate(() => {
          jest.advanceTimersByTime(2_000);
          hasPaused = true;
        }),
      );
    });
    await expect(post(client, timeout.signal)).rejects.toThrow('aborted');
    while (!hasPaused) await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(await post(client)).toMatchObject({ status: 200 });
    expect(sessions).toBe(1);
  });

  test('may be aborted after their session has ended', async () => {
    const client = await clientOf((_, count) => count === 1 && client.close());
    const timeout = new AbortController();
    await expect(post(client, timeout.signal)).rejects.toMatchObject({ code: 'ECONNRESET' });
    const thrown: unknown[] = [];
    const keep = (error: unknown) => void thrown.push(error);
    process.once('uncaughtException', keep);
    timeout.abort();
    await new Promise(setImmediate);
    process.off('uncaughtException', keep);
    expect(thrown).toEqual([]);
  });
});
