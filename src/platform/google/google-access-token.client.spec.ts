import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AccessTokenError, GoogleAccessTokenClient } from './google-access-token.client.js';
import { serviceAccount } from './service-account.js';

const private_key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
let server: Server;
let requests: number;
let response: { status: number; body: unknown };
let client: GoogleAccessTokenClient;
beforeAll(async () => {
  server = createServer((request, reply) => {
    requests += 1;
    request.resume();
    reply.writeHead(response.status).end(JSON.stringify(response.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  requests = 0;
  response = { status: 200, body: { access_token: 'a-token', expires_in: 3_600 } };
  client = clientAt((server.address() as AddressInfo).port);
});
afterEach(() => client.close());
afterAll(() => new Promise((resolve) => server.close(resolve)));

const clientAt = (port: number) =>
  new GoogleAccessTokenClient(
    serviceAccount.parse({
      client_email: 'usher@tests',
      private_key,
      token_uri: `http://127.0.0.1:${port}/token`,
    }),
    { scope: 'https://example.com/scope' },
  );

describe('an access token of Google', () => {
  test('is requested once for all callers, and kept', async () => {
    const tokens = await Promise.all([client.get(), client.get(), client.get()]);
    expect([...tokens, await client.get()]).toEqual(['a-token', 'a-token', 'a-token', 'a-token']);
    expect(requests).toBe(1);
  });

  test('is requested again once an API has refused it, and not when an API refuses an older one', async () => {
    await client.invalidate(await client.get());
    response.body = { access_token: 'another', expires_in: 3_600 };
    expect(await client.get()).toBe('another');
    await client.invalidate('a-token');
    await client.get();
    expect(requests).toBe(2);
  });

  test('that is refused is an error with status and code, never with the description, and is not asked for at once', async () => {
    response = { status: 400, body: { error: 'invalid_grant', error_description: 'a secret' } };
    const error = await client.get().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 400, code: 'invalid_grant', isTemporary: false });
    expect(String(error)).not.toContain('secret');
    await expect(client.get()).rejects.toBe(error);
    expect(requests).toBe(1);
  });

  test.each([
    [503, {}],
    [429, 'not JSON of OAuth'],
    [200, { access_token: '' }],
  ])('may be granted later after a %i with %j', async (status, body) => {
    response = { status, body };
    const error = await client.get().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AccessTokenError);
    expect(error).toMatchObject({ status, code: undefined, isTemporary: true });
  });

  test('is requested again at once after an endpoint could not be reached', async () => {
    const nowhere = clientAt(1);
    const first = await nowhere.get().catch((reason: unknown) => reason);
    const second = await nowhere.get().catch((reason: unknown) => reason);
    expect(first).not.toBeInstanceOf(AccessTokenError);
    expect(second).not.toBe(first);
    await nowhere.close();
  });
});
