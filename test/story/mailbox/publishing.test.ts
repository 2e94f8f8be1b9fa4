import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectCleanLog, expectMailboxUnchanged, expectProblem } from '../../support/expectations.js';
import { newNote as note } from '../../support/note.js';

let usher: TestUsher;
let otherKey = '';
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const offsetOf = async (userId: string) => (await usher.state(userId)).position.offset;
const withoutEffect = (request: () => Promise<void>) => expectMailboxUnchanged(usher, 'ada', request);

describe('publishing', () => {
  test('returns an id for every event and an offset for durable ones', async () => {
    const { status, body } = await usher.backOffice.publish([
      { userId: 'ivy', type: 'note.a', tier: 'important', data: {} },
      { userId: 'ivy', type: 'note.b', tier: 'routine', data: {} },
      { userId: 'ivy', type: 'note.c', tier: 'critical', data: {} },
    ]);
    expect(status).toBe(202);
    const accepted = body.accepted as { id: string; offset?: number }[];
    expect(accepted.map(({ offset }) => offset)).toEqual([1, undefined, 2]);
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(3);
  });

  test('stores data that is null as any other', async () => {
    expect((await usher.backOffice.publish([note({ userId: 'nil', data: null })])).status).toBe(202);
    expect((await usher.state('nil')).entries).toMatchObject([{ type: 'note.added', data: null }]);
  });
});

describe('an event that must not be published is rejected together with its whole request', () => {
  test.each([
    ['a user id with invalid characters', { userId: 'two words' }],
    ['no user', { userId: undefined }],
    ['a user id that is not a string', { userId: ['ada'] }],
    ['a type that is not a dotted word', { type: 'Note added!' }],
    ['a type that is too long', { type: `note.${'x'.repeat(64)}` }],
    ['an unknown tier', { tier: 'urgent' }],
    ['no data', { data: undefined }],
    ['a key with a line break', { key: 'a\nb' }],
    ['a key that is too long', { key: 'k'.repeat(201) }],
    ['a profile with invalid characters', { profileId: '../kids' }],
    ['a device with invalid characters', { deviceId: 'tv one' }],
    ['an invalid expiry time', { expiresAt: 'tomorrow' }],
    ['an expiry time in the past', { expiresAt: '2020-01-01T00:00:00Z' }],
  ])('%s', async (_, wrong) => {
    await withoutEffect(async () =>
      expectProblem(await usher.backOffice.publish([note(), note(wrong)]), 400, 'invalid_request'),
    );
  });

  test('no events, or too many', async () => {
    await withoutEffect(async () => {
      expectProblem(await usher.backOffice.publish([]), 400, 'invalid_request');
      expectProblem(
        await usher.backOffice.publish(Array.from({ length: 1_001 }, () => note())),
        400,
        'invalid_request',
      );
      for (const body of [{}, [], { events: {} }, { events: 'all' }]) {
        expectProblem(await usher.backOffice.call('POST', '/v1/events', body), 400, 'invalid_request');
      }
    });
  });

  test.each([
    'membership.changed',
    'stream.stop',
    'connect',
    'disconnect',
    'connect_error',
    'welcome',
    'snapshot',
    'goaway',
    'token.expiring',
    'error',
  ])('the type %s, which only Usher itself may send', async (type) => {
    await withoutEffect(async () =>
      expectProblem(await usher.backOffice.publish([note(), note({ type })]), 422, 'reserved_type'),
    );
  });

  test.each(['membership', 'campaign:advent', 'digest:evening', 'stream:s1'])(
    'the key %s, by which it would take the place of an event of Usher itself',
    async (key) => {
      await withoutEffect(async () =>
        expectProblem(await usher.backOffice.publish([note(), note({ key })]), 422, 'reserved_key'),
      );
    },
  );

  test('more than 16 KiB of data; exactly 16 KiB is accepted', async () => {
    await withoutEffect(async () => {
      expectProblem(
        await usher.backOffice.publish([note(), note({ data: 'x'.repeat(16_383) })]),
        413,
        'payload_too_large',
      );
      expectProblem(
        await usher.backOffice.publish([note({ data: 'é'.repeat(8_192) })]),
        413,
        'payload_too_large',
      );
    });
    expect((await usher.backOffice.publish([note({ data: 'x'.repeat(16_382) })])).status).toBe(202);
  });

  test('a device of another user, or one that does not exist', async () => {
    await usher.callAs('bob', 'PUT', '/v1/me/devices/bobs-tv', { platform: 'tv' });
    await withoutEffect(async () => {
      for (const deviceId of ['bobs-tv', 'no-such-tv']) {
        const reply = await usher.backOffice.publish([note(), note({ deviceId })]);
        expectProblem(reply, 422, 'unknown_device');
        expect(reply.body).toMatchObject({ index: 1 });
      }
    });
    expect(await offsetOf('bob')).toBe(0);
  });

  test.each([
    ['a zero character', 'a\u0000b'],
    ['half of a surrogate pair', 'a\ud800b'],
  ])('data with %s is accepted or rejected with a reason, and affects no other request', async (_, text) => {
    const [odd, ...others] = await Promise.all([
      usher.backOffice.publish([note({ data: { text } })]),
      ...Array.from({ length: 5 }, () => usher.backOffice.publish([note()])),
    ]);
    expect(others.map(({ status }) => status)).toEqual(others.map(() => 202));
    expect({ status: odd.status, retryable: odd.body.retryable ?? false }).toEqual({
      status: odd.status === 202 ? 202 : 400,
      retryable: false,
    });
  });

  test('fields that only Usher sets are refused by name', async () => {
    const reply = await usher.backOffice.publish([note({ target: 'bobs-tv', offset: 99, epoch: 'mine' })]);
    expectProblem(reply, 400, 'invalid_request');
    const errors = reply.body.errors as { path: string }[];
    expect(errors.map(({ path }) => path)).toEqual(['events.0.target', 'events.0.offset', 'events.0.epoch']);
  });
});

describe('a request with an Idempotency-Key', () => {
  const key = (name: string) => ({ 'idempotency-key': name });

  test('returns the same response when it is repeated', async () => {
    const before = await offsetOf('ida');
    const events = [note({ userId: 'ida' })];
    const first = await usher.backOffice.publish(events, key('once'));
    const again = await usher.backOffice.publish(events, key('once'));
    expect([again.status, again.body]).toEqual([first.status, first.body]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await offsetOf('ida')).toBe(before + 1);
  });

  test('reaches devices once when it is repeated', async () => {
    const device = await usher.device('jon', 'jon-tv');
    const events = [{ userId: 'jon', type: 'note.once', tier: 'critical', data: {} }];
    const headers = { 'idempotency-key': 'jon-1' };
    const replies = [
      await usher.backOffice.publish(events, headers),
      await usher.backOffice.publish(events, headers),
    ];
    expect(replies[1]).toMatchObject({ status: 202, body: replies[0]?.body });
    await usher.backOffice.publish([note({ userId: 'jon', type: 'note.after' })]);
    await device.waitFor('note.after');
    expect(device.offsets()).toEqual([1, 2]);
  });

  test('is rejected when the key was used with another body', async () => {
    await usher.backOffice.publish([note({ userId: 'jo' })], key('mismatch'));
    expectProblem(
      await usher.backOffice.publish([note({ userId: 'jo', data: 'other' })], key('mismatch')),
      422,
      'idempotency_mismatch',
    );
    expect(await offsetOf('jo')).toBe(1);
  });

  test('has one effect when it is sent ten times at once; those that came too early are told to retry', async () => {
    const events = [note({ userId: 'kim' })];
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => usher.backOffice.publish(events, key('at once'))),
    );
    const done = replies.filter(({ status }) => status === 202);
    expect(done.length).toBeGreaterThan(0);
    for (const reply of replies.filter(({ status }) => status !== 202))
      expectProblem(reply, 409, 'idempotency_in_progress', true);
    const later = await usher.backOffice.publish(events, key('at once'));
    expect(new Set([...done, later].map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(await offsetOf('kim')).toBe(1);
  });

  test('can be corrected and sent with the same key after it was rejected', async () => {
    expectProblem(
      await usher.backOffice.publish([note({ userId: 'lu', type: 'welcome' })], key('corrected')),
      422,
      'reserved_type',
    );
    expectProblem(
      await usher.backOffice.publish([note({ userId: 'lu', tier: 'urgent' })], key('corrected')),
      400,
      'invalid_request',
    );
    expect((await usher.backOffice.publish([note({ userId: 'lu' })], key('corrected'))).status).toBe(202);
    expect(await offsetOf('lu')).toBe(1);
  });

  test('does not collide with the same key of another service', async () => {
    const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'other', scopes: ['publish'] });
    otherKey = String(body.key);
    await usher.backOffice.publish([note({ userId: 'mo' })], key('shared'));
    const other = await call(
      usher.url,
      otherKey,
      'POST',
      '/v1/events',
      { events: [note({ userId: 'mo', data: 'other' })] },
      key('shared'),
    );
    expect(other.status).toBe(202);
    expect(await offsetOf('mo')).toBe(2);
  });

  test('is rejected when its key is too long', async () => {
    expectProblem(await usher.backOffice.publish([note()], key('k'.repeat(256))), 400, 'invalid_request');
  });
});

test('the node still works, and its log contains no token or key', async () => {
  expect((await usher.callAs('ada', 'GET', '/v1/me/state')).status).toBe(200);
  expectCleanLog(usher, { 'service key': otherKey });
});
