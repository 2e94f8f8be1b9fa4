import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { putPlans, subscribe } from '../../support/drivers/subscribers.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectCleanLog, expectProblem } from '../../support/expectations.js';

type Body = Record<string, unknown>;

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  await putPlans(usher);
  await usher.stripe.send({ ...usher.stripe.event('customer.subscription.created'), id: 'evt_ann' });
});
afterAll(() => usher.stop());

describe('a search finds', () => {
  const find = async (q: string, userId?: string) =>
    (
      await usher.backOffice.get(
        `/v1/search?q=${encodeURIComponent(q)}${userId === undefined ? '' : `&userId=${userId}`}`,
      )
    ).results as Body[];

  test('by a whole id everything that has it, with whose it is and where it is read', async () => {
    await subscribe(usher, 'sought');
    await usher.device('sought', 'sought-tv');
    const stream = { userId: 'sought', deviceId: 'sought-tv', titleId: 'dark', edgeId: 'edge-1' };
    const { streamId } = (await usher.backOffice.call('POST', '/v1/streams', stream)).body;
    const published = await usher.backOffice.publish([
      { userId: 'sought', type: 'note.added', tier: 'important', data: {} },
    ]);
    const [{ id: eventId } = { id: '' }] = published.body.accepted as { id: string }[];
    const key = (await usher.backOffice.call('POST', '/v1/keys', { name: 'sought', scopes: ['read'] })).body;
    const userId = 'sought';
    const expected: [q: string, results: Body[], userId?: string][] = [
      ['sought', [{ kind: 'user', id: 'sought', userId, url: '/v1/users/sought' }]],
      ['sought-tv', []],
      ['sought-tv', [{ kind: 'device', id: 'sought-tv', userId, url: '/v1/users/sought' }], userId],
      [eventId, []],
      [eventId, [{ kind: 'event', id: eventId, userId, url: `/v1/users/sought/events/${eventId}` }], userId],
      [String(streamId), [{ kind: 'stream', id: streamId, userId, url: '/v1/users/sought/streams' }]],
      ['evt_ann', [{ kind: 'webhook', id: 'evt_ann', url: '/v1/webhooks/stripe/evt_ann' }]],
      [
        'cus_sought',
        [{ kind: 'customer', id: 'cus_sought', userId, url: '/v1/users?customer=stripe:cus_sought' }],
      ],
      ['sub_sought', [{ kind: 'subscription', id: 'sub_sought', userId, url: '/v1/users/sought' }]],
      ['duo', [{ kind: 'plan', id: 'duo', url: '/v1/plans/duo' }]],
      ['price_duo', [{ kind: 'plan', id: 'duo', url: '/v1/plans/duo' }]],
      [String(key.id), [{ kind: 'key', id: key.id, url: `/v1/keys/${String(key.id)}` }]],
      ['soug', []],
    ];
    for (const [q, results, of] of expected) expect([q, await find(q, of)]).toEqual([q, results]);
    // Each address is one that answers.
    for (const [q, [first], of] of expected)
      if (first) await usher.backOffice.get(String((await find(q, of))[0]?.url));
  });

  test('nothing by an id that is too long or has what no id has', async () => {
    for (const q of ['', 'x'.repeat(513), 'a\u0000b'])
      expectProblem(
        await usher.backOffice.call('GET', `/v1/search?q=${encodeURIComponent(q)}`),
        400,
        'invalid_request',
      );
  });
});

test('the log contains no secrets', () => {
  expectCleanLog(usher);
});
