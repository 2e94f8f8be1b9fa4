import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import type { Response } from 'express';
import { ViewerTransport } from './viewer.transport.js';

/** Express adds `status` and `setHeader` is Node's own: all that the transport uses. */
const likeExpress = (response: ServerResponse): Response =>
  Object.assign(response, {
    status(code: number) {
      response.statusCode = code;
      return response;
    },
  }) as unknown as Response;

test('a viewer who does not read is cut off, and nothing is kept for it', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.pause();
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  const viewer = new ViewerTransport(likeExpress(response), { team: '*', campaign: '*' }, 0, {
    by: 'key',
    id: 'k',
  });
  const update = {
    version: 1,
    rolledUpTo: '2026-11-26T12:00:00.000Z',
    buckets: [{ at: 'x'.repeat(100_000), counts: [] }],
  };
  let sent = 0;
  try {
    while (viewer.send(update) && sent < 1_000) {
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBeGreaterThan(1);
    expect(sent).toBeLessThan(1_000);
    expect(response.destroyed).toBe(true);
    expect(viewer.send(update)).toBe(true); // gone, and no longer counted as slow
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
});
