import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectMailboxUnchanged, expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
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
