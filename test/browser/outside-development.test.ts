import { afterEach, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

const OF_THE_PAGE = [
  'session',
  'office',
  'tonight',
  'publish',
  'stop-streams',
  'timeline',
  'event',
  'edge/film',
];

let usher: TestUsher | undefined;
afterEach(async () => {
  await usher?.stop();
  usher = undefined;
});

test('outside development there is no page, and nobody gets a token or a signature', async () => {
  usher = await startUsher({ NODE_ENV: 'production' });
  const asked = [
    await fetch(`${usher.url}/`),
    ...(await Promise.all(
      [...OF_THE_PAGE, 'clock', 'clock/evening', 'inbox', 'inbox/send', 'inbox/reply'].map((name) =>
        post(`/dev/${name}`, { userId: 'demo', act: 'basic' }),
      ),
    )),
  ];
  for (const response of asked) {
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  }
});

test('where another system signs the tokens, the page says which setting it needs', async () => {
  const jwks = { AUTH_JWT_SECRET: '', AUTH_JWKS_URL: 'http://127.0.0.1:9/keys' };
  usher = await startUsher({ NODE_ENV: 'development', ...jwks });
  const response = await post('/dev/session', { userId: 'demo' });
  expect(response.status).toBe(501);
  expect(await response.json()).toMatchObject({
    code: 'not_configured',
    detail: expect.stringContaining('AUTH_JWT_SECRET'),
  });
});

function post(path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(`${usher?.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}
