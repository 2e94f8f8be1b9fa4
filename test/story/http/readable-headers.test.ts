import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HttpReply } from '../../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';

const FROM_PAGE = { origin: 'https://app.example.com' };

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ CORS_ORIGINS: FROM_PAGE.origin, USER_CALLS_PER_SECOND: '2' });
});
afterAll(() => usher.stop());

/** Whether the page that made the call may read this header of the response; the few that every page may are not asked for. */
const isReadable = ({ headers }: HttpReply, name: string): boolean =>
  headers.get('access-control-allow-origin') === FROM_PAGE.origin &&
  (headers.get('access-control-expose-headers') ?? '').toLowerCase().split(',').includes(name.toLowerCase());

const asUser = (userId: string, method: string, path: string) =>
  usher.callAs(userId, method, path, undefined, FROM_PAGE);
const publishTwice = async (): Promise<HttpReply> => {
  const events = [{ userId: 'ann', type: 'note.one', tier: 'important', data: {} }];
  const headers = { ...FROM_PAGE, 'idempotency-key': 'once' };
  await usher.backOffice.publish(events, headers);
  return usher.backOffice.publish(events, headers);
};
const uploadPage = (): Promise<HttpReply> =>
  usher.backOffice.call('POST', '/v1/recommendations', '{"userId":"ann","version":1,"items":[]}\n', {
    ...FROM_PAGE,
    'content-type': 'application/x-ndjson',
  });
const readPage = async (): Promise<HttpReply> => {
  await uploadPage();
  return asUser('ann', 'GET', '/v1/me/recommendations/main');
};
const callTooOften = async (): Promise<HttpReply> => {
  const replies = await Promise.all(
    Array.from({ length: 40 }, () => asUser('eager', 'GET', '/v1/me/preferences')),
  );
  const refused = replies.find(({ status }) => status === 429);
  if (!refused) throw new Error('nothing was refused');
  return refused;
};

describe('a page of an allowed origin can read each header of responses that the contract names', () => {
  test.each<[name: string, send: () => Promise<HttpReply>]>([
    ['X-Request-Id', () => asUser('ann', 'GET', '/v1/me/state')],
    ['RateLimit', () => asUser('bo', 'GET', '/v1/me/state')],
    ['RateLimit-Policy', () => asUser('cy', 'GET', '/v1/me/state')],
    ['Retry-After', callTooOften],
    ['ETag', readPage],
    ['Allow', () => asUser('dee', 'DELETE', '/v1/me/state')],
    ['Idempotent-Replayed', publishTwice],
    ['Usher-Run-Id', uploadPage],
  ])('%s', async (name, send) => {
    const reply = await send();
    expect([reply.headers.has(name), isReadable(reply, name)]).toEqual([true, true]);
  });
});
