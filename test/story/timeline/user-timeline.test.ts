import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import { connectionError } from '../../support/drivers/observed-socket.js';
import { renewStream, startStream } from '../../support/drivers/subscribers.js';
import { subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ ACK_TIMEOUT_SECONDS: '1' });
  await usher.backOffice.putPlan('premium', ['price_premium']);
});
afterAll(() => usher.stop());

type Step = {
  at: string;
  step: string;
  type?: string;
  id?: string;
  devices?: { deviceId: string; state: string; why?: string }[];
} & Record<string, unknown>;
const timelineOf = async (userId: string, query = '') => {
  const { body } = await usher.backOffice.call('GET', `/v1/users/${userId}/timeline${query}`);
  return body as unknown as { timeline: Step[]; next?: string };
};
const pageOf = async (userId: string) => (await usher.backOffice.call('GET', `/v1/users/${userId}`)).body;

const cursor = (place: unknown) => Buffer.from(JSON.stringify(place)).toString('base64url');

describe('the timeline of a user', () => {
  test('shows a plan change from the webhook to each device’s receipt', async () => {
    const tv = await usher.device('ann', 'ann-tv');
    const phone = await usher.device('ann', 'ann-phone', { acks: false });
    const asleep = await usher.device('ann', 'ann-tablet');
    asleep.close();
    const webhook = usher.stripe.event('customer.subscription.created', {
      userId: 'ann',
      price: 'price_premium',
    });
    await usher.stripe.send(webhook);
    const received = await tv.waitFor('membership.changed');
    await phone.waitFor('membership.changed');
    await tv.request('receipt', { offset: received.offset, state: 'applied' });
    const steps = await eventually('all steps are in the timeline', async () => {
      const { timeline } = await timelineOf('ann');
      const event = timeline.find(({ type }) => type === 'membership.changed');
      const states = event?.devices?.map(({ state }) => state).join();
      return states === 'sent,none,applied' ? timeline : undefined;
    });
    expect(steps.map(({ step }) => step)).toEqual(expect.arrayContaining(['webhook', 'membership', 'event']));
    expect(steps.find(({ step }) => step === 'webhook')).toMatchObject({
      processor: 'stripe',
      eventId: webhook.id,
      status: 'applied',
    });
    expect(steps.find(({ step }) => step === 'membership')).toMatchObject({
      version: 1,
      status: 'active',
      webhookId: webhook.id,
    });
    expect(steps.find(({ step }) => step === 'event')).toMatchObject({
      id: received.id,
      devices: [
        { deviceId: 'ann-phone', state: 'sent', why: 'not_acknowledged' },
        { deviceId: 'ann-tablet', state: 'none', why: 'not_told' },
        { deviceId: 'ann-tv', state: 'applied' },
      ],
    });
    expect(await pageOf('ann')).toMatchObject({
      userId: 'ann',
      awake: true,
      membership: { version: 1, status: 'active' },
      subscriptions: [{ processor: 'stripe', status: 'active', planId: 'premium' }],
      notApplied: ['ann-phone', 'ann-tablet'],
    });
  });

  test('does not blame a device for a receipt that may have been removed because it was old', async () => {
    await usher.database.query(`DELETE FROM receipt WHERE user_id = 'ann'`);
    expect((await pageOf('ann')).notApplied).toHaveLength(3);
    await usher.database.query(
      `UPDATE mailbox_entry SET at = now() - interval '31 days' WHERE user_id = 'ann'`,
    );
    const page = await pageOf('ann');
    expect(page.notApplied).toEqual([]);
    expect(page.devices).toMatchObject([{ membership: 'unknown' }, {}, {}]);
  });

  test('is read page by page without losing what happened in the same millisecond', async () => {
    const events = Array.from({ length: 20 }, (_, n) => ({
      userId: 'ugo',
      type: 'note.one',
      tier: 'important',
      key: `n${n}`,
      data: n,
    }));
    await usher.backOffice.publish(events);
    await usher.database.query(
      `INSERT INTO webhook (processor, event_id, type, status, user_id, created_at, received_at)
       SELECT 'stripe', 'evt_' || n, 'x', 'applied', 'ugo', now(), date_trunc('hour', now()) - n / 4 * interval '1 second'
       FROM generate_series(1, 9) n`,
    );
    const all = (await timelineOf('ugo')).timeline;
    expect(all.map(({ offset, eventId }) => offset ?? eventId)).toEqual([
      ...Array.from({ length: 20 }, (_, n) => 20 - n),
      ...['evt_3', 'evt_2', 'evt_1', 'evt_7', 'evt_6', 'evt_5', 'evt_4', 'evt_9', 'evt_8'],
    ]);
    const paged: unknown[] = [];
    let query = '?limit=3';
    for (let page = 0; page < 12 && query !== ''; page += 1) {
      const { timeline, next } = await timelineOf('ugo', query);
      paged.push(...timeline);
      query = next === undefined ? '' : `?limit=3&before=${next}`;
    }
    expect(paged).toEqual(all);
  });

  test.each([
    'yesterday',
    'WzFd',
    'WyIyMDI2LTExLTIwVDA4OjQ3OjQ2LjM3N1oiLCJ4IiwxXQ',
    cursor(['2026-11-20T08:47:46.377Z', 4, '\u0000']),
  ])('refuses %s as a place to begin at', async (before) => {
    const reply = await usher.backOffice.call('GET', `/v1/users/ann/timeline?before=${before}`);
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('begins at an instant too', async () => {
    const { timeline } = await timelineOf('ugo', `?before=${new Date().toISOString()}`);
    expect(timeline).toHaveLength(29);
    expect((await timelineOf('ugo', `?before=${timeline.at(-1)?.at}`)).timeline).toEqual([]);
    expect((await timelineOf('ugo', '?before=0000-01-01T00:00:00Z')).timeline).toEqual([]);
    expect(
      (await timelineOf('ugo', `?before=${encodeURIComponent('2099-01-01T00:00:00+23:00')}`)).timeline,
    ).toHaveLength(29);
  });

  test('is in the order of offsets whatever the clocks of nodes say, page by page, and from any instant', async () => {
    const second = (n: number) => new Date(Date.parse('2026-11-01T10:00:00Z') + 1_000 * n).toISOString();
    // Of forty events a third is in the mailbox, a third left it, and of a third only receipts are left. The 20th came from a fast clock.
    const at = `timestamptz '${second(0)}' + (CASE n WHEN 20 THEN 25 ELSE n END) * interval '1 second'`;
    const all40 = `generate_series(1, 40) n WHERE n % 3`;
    await usher.database.query(
      `INSERT INTO mailbox (user_id, epoch, last_offset, bucket) VALUES ('ivy', 'e', 40, bucket_of('ivy'))`,
    );
    await usher.database.query(
      `INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, at, bucket)
       SELECT 'ivy', 'k' || n, n, gen_random_uuid(), 'note.one', 'important', ${at}, bucket_of('ivy') FROM ${all40} = 0`,
    );
    await usher.database.query(
      `INSERT INTO past_event (user_id, epoch, "offset", id, type, tier, key, at, bucket)
       SELECT 'ivy', 'e', n, gen_random_uuid(), 'note.one', 'important', 'k', ${at}, bucket_of('ivy') FROM ${all40} = 1`,
    );
    await usher.database.query(
      `INSERT INTO receipt (user_id, device_id, epoch, "offset", event_id, type, state, received_at, bucket)
       SELECT 'ivy', 'tv', 'e', n, gen_random_uuid(), 'note.one', 2, ${at}, bucket_of('ivy') FROM ${all40} = 2`,
    );
    await usher.database.query(
      `INSERT INTO webhook (processor, event_id, type, status, user_id, created_at, received_at)
       SELECT 'stripe', 'ivy_' || n, 'x', 'applied', 'ivy', now(), timestamptz '${second(0)}' + (4 * n + 0.5) * interval '1 second'
       FROM generate_series(1, 9) n`,
    );
    const { timeline } = await timelineOf('ivy');
    const offsetsOf = (steps: Step[]) =>
      steps.flatMap(({ offset }) => (offset === undefined ? [] : [offset]));
    expect(offsetsOf(timeline)).toEqual(Array.from({ length: 40 }, (_, n) => 40 - n));
    const paged: Step[] = [];
    for (let next: string | undefined = ''; next !== undefined && paged.length < 60;) {
      const page = await timelineOf('ivy', `?limit=3${next && `&before=${next}`}`);
      paged.push(...page.timeline);
      next = page.next;
    }
    expect(paged).toEqual(timeline);
    for (const instant of [0, 1, 1.001, 6.5, 11, 18, 30, 36.2, 99].map(second)) {
      const older = timeline.filter((step) => step.at < instant);
      expect((await timelineOf('ivy', `?before=${instant}`)).timeline).toEqual(older);
      expect((await timelineOf('ivy', `?limit=4&before=${instant}`)).timeline).toEqual(older.slice(0, 4));
    }
  });

  test('tells events that were published together newest first', async () => {
    const events = [1, 2, 3, 4, 5, 6].map((n) => ({
      userId: 'una',
      type: 'note.one',
      tier: 'important',
      key: `n${n}`,
      data: n,
    }));
    await usher.backOffice.publish(events);

    const { timeline } = await timelineOf('una');
    expect(timeline.map(({ offset }) => offset)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  test('keeps superseded events that have receipts, and is read page by page', async () => {
    const device = await usher.device('ben', 'ben-tv');
    for (const n of [1, 2, 3]) {
      await usher.backOffice.publish([
        { userId: 'ben', type: 'note.one', tier: 'important', key: 'one', data: n },
      ]);
      await device.waitFor('note.one', ({ offset }) => offset === n);
      await eventually('its receipt is in the timeline', async () => {
        const { timeline } = await timelineOf('ben');
        return timeline.filter(({ devices }) => devices?.[0]?.state === 'received').length === n;
      });
    }
    const all = (await timelineOf('ben')).timeline;
    expect(all.map(({ offset, superseded }) => [offset, superseded])).toEqual([
      [3, false],
      [2, true],
      [1, true],
    ]);
    const first = await timelineOf('ben', '?limit=2');
    const rest = await timelineOf('ben', `?limit=2&before=${first.next}`);
    expect([...first.timeline, ...rest.timeline].map(({ offset }) => offset)).toEqual([3, 2, 1]);
    expect(rest.next).toBeUndefined();
  });

  test('knows a superseded event that no device got, and by which one it was superseded', async () => {
    const asleep = await usher.device('cy', 'cy-tv');
    asleep.close();
    const publish = async (data: number[]) => {
      const events = data.map((n) => ({
        userId: 'cy',
        type: 'note.one',
        tier: 'important',
        key: 'one',
        data: n,
      }));
      const { body } = await usher.backOffice.publish(events);
      return (body.accepted as { id: string }[]).map(({ id }) => id);
    };
    const [first] = await publish([1]);
    // Of three in one call, too.
    const [second, third, newest] = await publish([2, 3, 4]);
    const { timeline } = await timelineOf('cy');
    expect(timeline).toMatchObject([
      { id: newest, superseded: false, supersededBy: null, devices: [{ why: 'not_told' }] },
      { id: third, superseded: true, supersededBy: newest, devices: [{ why: 'superseded' }] },
      { id: second, superseded: true, supersededBy: newest },
      { id: first, superseded: true, supersededBy: newest, type: 'note.one', tier: 'important', key: 'one' },
    ]);
    const reply = await usher.backOffice.call('GET', `/v1/users/cy/events/${first}`);
    expect({ ...reply.body, step: 'event' }).toEqual({ ...timeline[3], userId: 'cy' });
  });

  test('knows an event that expired and was removed from the mailbox', async () => {
    const asleep = await usher.device('dee', 'dee-tv');
    asleep.close();
    const expiresAt = new Date(Date.now() + 1_000).toISOString();
    const { body } = await usher.backOffice.publish([
      { userId: 'dee', type: 'note.one', tier: 'important', expiresAt, data: 1 },
    ]);
    const [{ id } = { id: '' }] = body.accepted as { id: string }[];
    await usher.database.query(`UPDATE mailbox_entry SET expires_at = at WHERE user_id = 'dee'`);
    await eventually('it is removed', async () => {
      const rows = await usher.database.query(`SELECT 1 FROM mailbox_entry WHERE user_id = 'dee'`);
      return rows.length === 0;
    });
    const reply = await usher.backOffice.call('GET', `/v1/users/dee/events/${id}`);
    expect(reply.body).toMatchObject({
      id,
      superseded: false,
      supersededBy: null,
      devices: [{ why: 'expired' }],
    });
  });

  test('has no event of another user, or that never was', async () => {
    const { body } = await usher.backOffice.publish([
      { userId: 'cy', type: 'note.one', tier: 'important', data: 1 },
    ]);
    const [{ id } = { id: '' }] = body.accepted as { id: string }[];
    const reply = await usher.backOffice.call('GET', `/v1/users/dee/events/${id}`);
    expect(reply).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const wrong = await usher.backOffice.call('GET', `/v1/users/dee/events/1`);
    expect(wrong).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('is empty for an unknown user, and for admins only', async () => {
    expect((await timelineOf('nobody')).timeline).toEqual([]);
    expect(await pageOf('nobody')).toMatchObject({ membership: { version: 0 }, devices: [], awake: false });
    const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'edge', scopes: ['edge'] });
    const reply = await fetch(`${usher.url}/v1/users/ann/timeline`, {
      headers: { authorization: `Bearer ${String(body.key)}` },
    });
    expect(reply.status).toBe(403);
  });
});

describe('a user who is erased', () => {
  const erase = (userId: string) => usher.backOffice.call('DELETE', `/v1/users/${userId}`);

  test('is disconnected, stops streaming, cannot come back with an old token, and has left nothing', async () => {
    const token = await usher.token('eva', { issuedAt: Math.floor(Date.now() / 1_000) - 60 });
    const tv = await usher.device('eva', 'eva-tv', { token });
    const stranger = await usher.device('fred', 'fred-tv');
    await usher.stripe.sendEvent('customer.subscription.created', {
      ...subscriptionIds('eva'),
      price: 'price_premium',
    });
    await tv.waitFor('membership.changed');
    await call(usher.url, token, 'PUT', '/v1/me/preferences', { types: {} });
    const { body: stream } = await startStream(usher, 'eva');
    expect((await erase('eva')).status).toBe(204);
    await tv.disconnected();
    expect(await connectionError(usher.device('eva', 'eva-tv', { token }))).toMatchObject({
      code: 'token_revoked',
    });
    expect(await renewStream(usher, stream.streamId)).toMatchObject({ status: 404 });
    const notices = await usher.database.query(`SELECT 1 FROM edge_notice WHERE key = $1`, [
      `stream:${stream.streamId}`,
    ]);
    expect(notices).toHaveLength(1);
    expect((await timelineOf('eva')).timeline).toEqual([]);
    expect(await pageOf('eva')).toMatchObject({
      awake: false,
      position: { offset: 0 },
      membership: { version: 0 },
      subscriptions: [],
      devices: [],
      streams: [],
    });
    expect(stranger.socket.connected).toBe(true);
  });

  test('may be erased again, and only with the scope admin', async () => {
    expect((await erase('nobody')).status).toBe(204);
    const { body } = await usher.backOffice.call('POST', '/v1/keys', { name: 'edge', scopes: ['edge'] });
    expect((await call(usher.url, String(body.key), 'DELETE', '/v1/users/nobody')).status).toBe(403);
  });
});
