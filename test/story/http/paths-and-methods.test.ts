import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectMailboxUnchanged, expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ CORS_ORIGINS: 'https://app.example.com' });
});
afterAll(() => usher.stop());

const NOTE = { userId: 'ada', type: 'note.added', tier: 'important', data: { text: 'hello' } };

describe('a path in another form is no path, so that nothing is done twice or lost', () => {
  test.each(['/v1/events/', '/v1/Events', '/V1/events', '/v1/recommendations/', '/v1/Recommendations'])(
    '%s',
    async (path) => {
      await expectMailboxUnchanged(usher, 'ada', async () =>
        expectProblem(
          await usher.backOffice.call('POST', path, { events: [NOTE] }, { 'idempotency-key': 'once' }),
          404,
          'not_found',
        ),
      );
    },
  );

  test('of a call of an app either', async () => {
    expectProblem(await usher.callAs('ada', 'GET', '/v1/me/state/'), 404, 'not_found');
  });

  test('but pages for people open in both forms', async () => {
    for (const page of ['/docs/api', '/docs/api/'])
      expect((await fetch(`${usher.url}${page}`)).headers.get('content-type')).toMatch(/^text\/html/);
  });
});

describe('a method that the path does not have is not allowed, and Allow lists those that it has', () => {
  const backOffice = (method: string, path: string) => usher.backOffice.call(method, path);
  test.each([
    ['GET', '/v1/events', 'POST'],
    ['DELETE', '/v1/plans/x', 'GET, HEAD, PUT'],
    ['POST', '/v1/users/ada', 'DELETE, GET, HEAD'],
    ['PATCH', '/v1/keys', 'GET, HEAD, POST'],
    ['PUT', '/health/live', 'GET, HEAD'],
  ])('%s %s', async (method, path, allowed) => {
    const reply = await backOffice(method, path);
    expectProblem(reply, 405, 'method_not_allowed');
    expect(reply.headers.get('allow')).toBe(allowed);
  });

  test('of a call of an app either; HEAD goes where GET goes, and a page may ask before it calls', async () => {
    expectProblem(await usher.callAs('ada', 'DELETE', '/v1/me/state'), 405, 'method_not_allowed');
    expect((await usher.callAs('ada', 'HEAD', '/v1/me/state')).status).toBe(200);
    const preflight = await call(usher.url, undefined, 'OPTIONS', '/v1/me/state', undefined, {
      origin: 'https://app.example.com',
      'access-control-request-method': 'GET',
    });
    expect(preflight.status).toBe(204);
    expectProblem(await backOffice('DELETE', '/v1/nothing'), 404, 'not_found');
  });
});
