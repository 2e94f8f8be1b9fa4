import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PROBLEMS } from '../../../src/platform/http/problem.js';

import { call, type HttpReply, PREMIUM } from '../../support/drivers/back-office.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog, expectNoSecrets, expectProblem } from '../../support/expectations.js';
import { forgedTokens, INVALID_IDS } from '../../support/invalid-input.js';
import { newNote as note } from '../../support/note.js';

const used: Record<string, string> = {};
const TOO_LARGE = `"${'x'.repeat(1_100_000)}"`;

let usher: TestUsher;
let adaToken: string;
beforeAll(async () => {
  usher = await startUsher({ CORS_ORIGINS: 'https://app.example.com', USER_CALLS_PER_SECOND: '1000' });
  adaToken = await usher.token('ada');
});
afterAll(() => usher.stop());

describe('an invalid user token is rejected', () => {
  test('of every kind of forgery', async () => {
    for (const [name, token, code] of await forgedTokens()) {
      used[`token ${name}`] = token;
      const reply = await call(usher.url, token, 'GET', '/v1/me/state');
      expect([name, reply.status, reply.body.code]).toEqual([name, 401, code]);
      expectProblem(reply, 401, code);
      expectNoSecrets({ ...usher.secrets(), ...used }, JSON.stringify(reply.body));
    }
  });

  test.each([
    ['no header', {}],
    ['another scheme', { authorization: 'Basic YWRhOmFkYQ==' }],
    ['the scheme alone', { authorization: 'Bearer' }],
    ['two words', { authorization: 'Bearer two words' }],
  ])('%s', async (_, headers) => {
    const reply = await call(
      usher.url,
      undefined,
      'GET',
      '/v1/me/state',
      undefined,
      headers as Record<string, string>,
    );
    expectProblem(reply, 401, 'token_missing');
    expect(reply.headers.get('www-authenticate')).toBe('Bearer');
  });

  test.each(['state', 'entries', 'devices', 'recommendations/main', 'events'])(
    'by /v1/me/%s',
    async (path) => {
      const expired = await usher.token('ada', { expiresIn: '-1s' });
      expectProblem(await call(usher.url, expired, 'GET', `/v1/me/${path}`), 401, 'token_expired');
      expectProblem(await call(usher.url, undefined, 'GET', `/v1/me/${path}`), 401, 'token_missing');
    },
  );

  test('a token in the URL is ignored', async () => {
    expectProblem(
      await call(usher.url, undefined, 'GET', `/v1/me/state?token=${adaToken}&access_token=${adaToken}`),
      401,
      'token_missing',
    );
  });

  test('a service key is not a user token', async () => {
    expectProblem(await call(usher.url, ADMIN_KEY, 'GET', '/v1/me/state'), 401, 'token_invalid');
  });
});

describe('a call with a service key is told of fields that it misspelt', () => {
  const CAPABILITIES = { ...PREMIUM, max_streams: 4 };
  test.each([
    [
      'POST',
      '/v1/events',
      { events: [note({ expires_at: '2030-01-01T00:00:00Z' })] },
      'events.0.expires_at',
      'expiresAt',
    ],
    ['POST', '/v1/events?waits=received', { events: [note()] }, 'waits', 'wait'],
    ['PUT', '/v1/plans/a', { name: 'A', price: [], prices: [], capabilities: PREMIUM }, 'price', 'prices'],
    [
      'PUT',
      '/v1/plans/a',
      { name: 'A', prices: [], capabilities: CAPABILITIES },
      'capabilities.max_streams',
      'maxStreams',
    ],
    ['PUT', '/v1/users/ada/links/stripe', { customerId: 'c', customer_id: 'c' }, 'customer_id', 'customerId'],
    ['POST', '/v1/keys', { name: 'x', scopes: ['read'], scope: 'read' }, 'scope', 'scopes'],
    ['POST', '/v1/users/ada/revocations', { device_id: 'tv' }, 'device_id', 'deviceId'],
    [
      'POST',
      '/v1/streams',
      { userId: 'a', deviceId: 'b', titleId: 'c', edgeId: 'd', colour: 'd' },
      'colour',
      undefined,
    ],
    ['GET', '/v1/webhooks?state=failed', undefined, 'state', 'status'],
    ['GET', '/v1/users/ada/timeline?limits=5', undefined, 'limits', 'limit'],
    ['DELETE', '/v1/users/ada/streams?deviceId=tv', undefined, 'deviceId', undefined],
    ['DELETE', '/v1/users/ada/streams', { streamId: 'one' }, 'streamId', undefined],
    ['POST', '/v1/users/ada/revocations?tokenId=x', {}, 'tokenId', undefined],
  ])('%s %s', async (method, path, body, field, meant) => {
    const reply = await usher.backOffice.call(method, path, body, { 'usher-reason': 'a test' });
    expectProblem(reply, 400, 'invalid_request');
    const message = meant === undefined ? 'unknown field' : `unknown field; did you mean ${meant}?`;
    expect(reply.body.errors).toEqual([{ path: field, message }]);
  });

  test('and not of those within data, nor in calls of apps, which may be newer than the server', async () => {
    expect(
      (await usher.backOffice.publish([note({ data: { expires_at: 1, any: { thing: 1 } } })])).status,
    ).toBe(202);
    const device = { platform: 'tv', colour: 'black' };
    expect((await usher.callAs('ada', 'PUT', '/v1/me/devices/newer?x=1', device)).status).toBe(200);
    expect((await usher.callAs('ada', 'GET', '/v1/me/state?x=1')).status).toBe(200);
    expect((await usher.callAs('ada', 'DELETE', '/v1/me/devices/newer?x=1', { x: 1 })).status).toBe(204);
  });
});

describe('an invalid id is rejected', () => {
  test('in the path', async () => {
    for (const id of INVALID_IDS) {
      const path = encodeURIComponent(id);
      expectProblem(
        await usher.backOffice.call('GET', `/v1/users/${path}/entitlement`),
        400,
        'invalid_request',
      );
      expectProblem(
        await usher.backOffice.call('PUT', `/v1/users/${path}/links/stripe`, { customerId: 'cus_1' }),
        400,
        'invalid_request',
      );
      expectProblem(
        await usher.backOffice.call('PUT', `/v1/plans/${path}`, {
          name: 'x',
          prices: [],
          capabilities: PREMIUM,
        }),
        400,
        'invalid_request',
      );
      expectProblem(
        await usher.callAs('ada', 'PUT', `/v1/me/devices/${path}`, { platform: 'web' }),
        400,
        'invalid_request',
      );
      expectProblem(await usher.callAs('ada', 'DELETE', `/v1/me/devices/${path}`), 400, 'invalid_request');
      expectProblem(
        await usher.callAs('ada', 'GET', `/v1/me/recommendations/${path}`),
        400,
        'invalid_request',
      );
    }
  });

  test('in the body', async () => {
    for (const userId of INVALID_IDS)
      expectProblem(await usher.backOffice.publish([note({ userId })]), 400, 'invalid_request');
  });

  test('a path that cannot be decoded', async () => {
    expectProblem(
      await usher.backOffice.call('GET', '/v1/users/%E0%A4%A/entitlement'),
      400,
      'invalid_request',
    );
  });

  test('of a service key or a processor returns not_found', async () => {
    expectProblem(await usher.backOffice.call('DELETE', '/v1/keys/%00'), 404, 'not_found');
    expectProblem(
      await usher.backOffice.call('PUT', '/v1/users/ada/links/%00', { customerId: 'cus_1' }),
      404,
      'not_found',
    );
    expectProblem(
      await usher.backOffice.call('PUT', '/v1/users/ada/links/paypal', { customerId: 'cus_1' }),
      404,
      'not_found',
    );
  });
});

describe('a page of a foreign origin may not read responses', () => {
  test.each([
    'https://evil.example',
    'null',
    'https://app.example.com.evil.example',
    'http://app.example.com',
  ])('%s', async (origin) => {
    const reply = await usher.callAs('ada', 'GET', '/v1/me/state', undefined, { origin });
    expect(reply.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('the allowed origin may', async () => {
    const reply = await usher.callAs('ada', 'GET', '/v1/me/state', undefined, {
      origin: 'https://app.example.com',
    });
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
  });
});

describe('every response has the id by which the log knows the request', () => {
  const NAME = 'checkout:4711/retry=1';
  const named = { 'x-request-id': NAME };
  const requests: [string, number, () => Promise<HttpReply>][] = [
    ['a success', 200, () => usher.callAs('ada', 'GET', '/v1/me/state', undefined, named)],
    ['an unknown path', 404, () => usher.backOffice.call('GET', '/v1/nothing', undefined, named)],
    ['credentials that are refused', 401, () => call(usher.url, 'x', 'GET', '/v1/keys', undefined, named)],
    ['a body that is not JSON', 400, () => usher.backOffice.call('POST', '/v1/events', '{', named)],
    ['a body that is too large', 413, () => usher.backOffice.call('POST', '/v1/events', TOO_LARGE, named)],
    ['no credentials needed', 200, () => call(usher.url, undefined, 'GET', '/health/live', undefined, named)],
  ];

  test.each(requests)('%s', async (_, status, request) => {
    const reply = await request();
    expect([reply.status, reply.headers.get('x-request-id')]).toEqual([status, NAME]);
    expect(reply.body.requestId === NAME).toBe(status >= 400);
  });

  test('one that cannot be repeated is replaced, by the trace id if there is one', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const reply = await usher.backOffice.call('GET', '/v1/nothing', undefined, {
      'x-request-id': '"quoted"',
      traceparent: `00-${trace}-00f067aa0ba902b7-01`,
    });
    expect([reply.headers.get('x-request-id'), reply.body.requestId]).toEqual([trace, trace]);
    const made = await usher.backOffice.call('GET', '/v1/nothing');
    expect(made.headers.get('x-request-id')).toMatch(/^[\w-]{8,}$/);
    expect(made.body.requestId).toBe(made.headers.get('x-request-id'));
  });

  test('a page of another origin may read it', async () => {
    const reply = await usher.callAs('ada', 'GET', '/v1/me/state', undefined, {
      origin: 'https://app.example.com',
    });
    expect(reply.headers.get('access-control-expose-headers')).toContain('X-Request-Id');
  });
});

test('the type of an error leads to the section of a page that explains it', async () => {
  const { body } = await usher.backOffice.call('GET', '/v1/users/ada/nothing');
  const address = new URL(String(body.type), `${usher.url}/v1/users/ada/nothing`);
  expect([address.origin, address.hash]).toEqual([usher.url, '#not_found']);
  const page = await fetch(address);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const html = await page.text();
  for (const code of Object.keys(PROBLEMS)) expect(html).toContain(`<section id="${code}">`);
  expect((await fetch(`${usher.url}/docs/api`)).status).toBe(200);
});

describe('a refusal is logged with its code, who was refused, and its request id', () => {
  const refusal = (id: string) => eventually(`the line of ${id}`, () => logged(id));

  test('a service key that lacks the scope', async () => {
    const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'reader', scopes: ['read'] });
    used['a key'] = String(body.key);
    const reply = await call(
      usher.url,
      String(body.key),
      'POST',
      '/v1/keys',
      {},
      { 'x-request-id': 'no-scope' },
    );
    expectProblem(reply, 403, 'forbidden');
    expect(await refusal('no-scope')).toMatchObject({ level: 'info', code: 'forbidden', keyId: body.id });
  });

  test('a service key that was revoked', async () => {
    const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'gone', scopes: ['read'] });
    used['a revoked key'] = String(body.key);
    await usher.backOffice.call('DELETE', `/v1/keys/${String(body.id)}`);
    await call(usher.url, String(body.key), 'GET', '/v1/users/ada', undefined, { 'x-request-id': 'revoked' });
    expect(await refusal('revoked')).toMatchObject({ code: 'unauthorized', keyId: body.id });
  });

  test('a user', async () => {
    const lost = await usher.callAs('ada', 'GET', '/v1/me/entries?epoch=other', undefined, {
      'x-request-id': 'lost',
    });
    expectProblem(lost, 410, 'position_lost');
    expect(await refusal('lost')).toMatchObject({
      code: 'position_lost',
      userId: 'ada',
      res: { status: 410 },
    });
  });

  test('a stranger, by code and id alone', async () => {
    await call(usher.url, undefined, 'GET', '/v1/me/state', undefined, { 'x-request-id': 'stranger' });
    const line = await refusal('stranger');
    expect(line).toMatchObject({ code: 'token_missing', res: { status: 401 } });
    expect(line).not.toHaveProperty('userId');
    expect(line).not.toHaveProperty('keyId');
  });
});

test('an unknown path returns not_found, and the response does not repeat the query', async () => {
  const reply = await usher.backOffice.call('GET', `/v1/nothing?token=${adaToken}`);
  expectProblem(reply, 404, 'not_found');
  expectNoSecrets({ ...usher.secrets(), ...used }, JSON.stringify(reply.body));
});

test('the node still works, and its log contains no token, key or secret', async () => {
  expect((await usher.callAs('ada', 'GET', '/v1/me/state')).status).toBe(200);
  expectCleanLog(usher, used);
});

/** Returns the line that the node logged when the request with this id was done; undefined before that. */
function logged(id: string): Record<string, unknown> | undefined {
  const lines = usher
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes(`"${id}"`));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).find((line) => 'res' in line);
}
