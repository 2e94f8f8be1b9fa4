import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { call, PREMIUM } from '../../support/drivers/back-office.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import {
  expectCleanLog,
  expectMailboxUnchanged,
  expectNoSecrets,
  expectProblem,
} from '../../support/expectations.js';
import { forgedTokens, INVALID_IDS, nestedJson } from '../../support/invalid-input.js';

const used: Record<string, string> = {};

let usher: TestUsher;
let adaToken: string;
beforeAll(async () => {
  usher = await startUsher({ CORS_ORIGINS: 'https://app.example.com' });
  adaToken = await usher.token('ada');
});
afterAll(() => usher.stop());

const note = (more: Record<string, unknown> = {}) => ({
  userId: 'ada',
  type: 'note.added',
  tier: 'important',
  data: { text: 'hello' },
  ...more,
});
const withoutEffect = (request: () => Promise<void>) => expectMailboxUnchanged(usher, 'ada', request);

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

describe('a request body that cannot be read is rejected as a whole', () => {
  test.each(['{', '{"events":', 'events', "{'events':[]}", '{"events":[1,]}'])(
    'malformed JSON: %s',
    async (body) => {
      await withoutEffect(async () =>
        expectProblem(await usher.backOffice.call('POST', '/v1/events', body), 400, 'malformed_json'),
      );
    },
  );

  test('the malformed text is not repeated in the response', async () => {
    const reply = await usher.backOffice.call(
      'POST',
      '/v1/events',
      `{"events":[{"push": a-push-address-that`,
    );
    expect(JSON.stringify(reply.body)).not.toContain('a-push');
  });

  test('10,000 levels deep', async () => {
    await withoutEffect(async () => {
      const events = `{"events":[{"userId":"ada","type":"note.added","tier":"important","data":${nestedJson(10_000)}}]}`;
      expectProblem(await usher.backOffice.call('POST', '/v1/events', events), 400, 'too_deep');
      expectProblem(
        await usher.backOffice.call('PUT', '/v1/plans/deep', nestedJson(10_000)),
        400,
        'too_deep',
      );
      expectProblem(
        await usher.callAs('ada', 'PUT', '/v1/me/devices/deep', `{"push":${nestedJson(10_000)}}`),
        400,
        'too_deep',
      );
    });
  });

  test('larger than the limit, as sent or after decompression', async () => {
    await withoutEffect(async () => {
      const body = JSON.stringify({ events: [note({ data: 'x'.repeat(1_100_000) })] });
      expectProblem(await usher.backOffice.call('POST', '/v1/events', body), 413, 'payload_too_large');
      const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
      expectProblem(
        await usher.backOffice.call('POST', '/v1/events', bomb, { 'content-encoding': 'gzip' }),
        413,
        'payload_too_large',
      );
    });
  });

  test('of another content type, or with an unknown or broken encoding', async () => {
    await withoutEffect(async () => {
      const body = JSON.stringify({ events: [note()] });
      const xml = await usher.backOffice.call('POST', '/v1/events', body, {
        'content-type': 'application/xml',
      });
      expect([400, 415]).toContain(xml.status);
      expect(xml.body).toMatchObject({ code: expect.any(String), retryable: false });
      expectProblem(
        await usher.backOffice.call('POST', '/v1/events', body, { 'content-encoding': 'snappy' }),
        415,
        'unsupported_media_type',
      );
      expectProblem(
        await usher.backOffice.call('POST', '/v1/events', body, {
          'content-type': 'application/json; charset=klingon',
        }),
        415,
        'unsupported_media_type',
      );
      const unpackable = await usher.backOffice.call('POST', '/v1/events', body, {
        'content-encoding': 'gzip',
      });
      expectProblem(unpackable, 400, 'invalid_request');
    });
  });

  test('cut off in the middle', async () => {
    await withoutEffect(async () => {
      const body = JSON.stringify({ events: [note({ type: 'note.half' })] });
      await sendHalf('/v1/events', body);
      expect((await usher.backOffice.publish([note({ userId: 'somebody-else' })])).status).toBe(202);
    });
    const { body } = await usher.callAs('ada', 'GET', '/v1/me/entries');
    expect(JSON.stringify(body)).not.toContain('note.half');
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

test('an unknown path returns not_found, and the response does not repeat the query', async () => {
  const reply = await usher.backOffice.call('GET', `/v1/nothing?token=${adaToken}`);
  expectProblem(reply, 404, 'not_found');
  expectNoSecrets({ ...usher.secrets(), ...used }, JSON.stringify(reply.body));
});

test('the node still works, and its log contains no token, key or secret', async () => {
  expect((await usher.callAs('ada', 'GET', '/v1/me/state')).status).toBe(200);
  expectCleanLog(usher, used);
});

/** Sends half of the body that the headers announce, then closes the connection. */
function sendHalf(path: string, body: string): Promise<void> {
  return new Promise((resolve) => {
    const request = httpRequest(`${usher.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${ADMIN_KEY}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    });
    request.on('error', () => resolve());
    request.write(body.slice(0, body.length / 2), () => request.destroy());
    request.on('close', () => resolve());
  });
}
