import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const publish = (userId: string, type: string, more: Record<string, unknown> = {}) =>
  usher.backOffice.publish([{ userId, type, tier: 'important', data: {}, ...more }]);
const me = async (userId: string, path: string, headers?: Record<string, string>) =>
  usher.callAs(userId, 'GET', path, undefined, headers);

describe('a device that connects', () => {
  test('receives welcome first, then a snapshot when it sends no position', async () => {
    const device = await usher.device('ann', 'ann-tv');
    await device.waitFor('snapshot');
    expect(device.received.map(({ event }) => event).slice(0, 2)).toEqual(['welcome', 'snapshot']);
    const welcome = device.received[0]?.payload;
    expect(welcome).toMatchObject({
      userId: 'ann',
      deviceId: 'ann-tv',
      offset: 0,
      resume: 'snapshot',
      heartbeatSeconds: 60,
    });
    expect(Date.parse(String(welcome?.tokenExpiresAt))).toBeGreaterThan(Date.now());
    const { body } = await me('ann', '/v1/me/state');
    const snapshot = device.received[1]?.payload;
    expect(Object.keys(snapshot ?? {}).sort()).toEqual([
      'entitlement',
      'entries',
      'hasMore',
      'membership',
      'playback',
      'position',
      'recommendations',
    ]);
    // Broadcasts follow a snapshot as events of their own; by HTTP they are asked for with the state.
    expect(Object.keys(body).sort()).toEqual(['broadcasts', ...Object.keys(snapshot ?? {}).sort()]);
    expect(body).toMatchObject({
      membership: { version: 0, status: 'none' },
      playback: [],
      recommendations: [],
      entries: [],
      hasMore: false,
    });
  });

  test('receives a large history in pages, each after it acknowledged the one before, and live events after all of them', async () => {
    const large = Array.from({ length: 40 }, (_, n) => ({
      userId: 'lea',
      type: 'note.large',
      tier: 'important',
      key: `large:${n}`,
      data: 'x'.repeat(14_000),
    }));
    await usher.backOffice.publish(large);
    const device = await usher.device('lea', 'lea-tv', { acks: false });
    const { socket, received } = device;
    const pages = () => received.filter(({ event }) => event === 'snapshot').map(({ payload }) => payload);
    const acknowledge: (() => void)[] = [];
    socket.onAny((event, _, ack?: () => void) => void (event === 'snapshot' && ack && acknowledge.push(ack)));
    const phone = await usher.device('lea', 'lea-phone');
    await publish('lea', 'note.live');
    await phone.waitFor('note.live');
    expect(device.envelopes('note.live')).toEqual([]);
    await eventually('all pages are received', () => {
      acknowledge.splice(0).forEach((ack) => ack());
      return pages().at(-1)?.hasMore === false;
    });
    await device.waitFor('note.live');
    expect(received.at(-1)?.event).toBe('note.live');
    const keys = pages().flatMap(({ entries }) => (entries as { key: string }[]).map(({ key }) => key));
    expect(keys).toEqual(large.map(({ key }) => key));
    expect(pages().map(({ hasMore }) => hasMore)).toEqual([true, true, false]);
    expect(Object.keys(pages()[1] ?? {}).sort()).toEqual(['entries', 'hasMore', 'position']);
  });

  test('receives after the last page what was published while it took the pages: durable events, then routine ones', async () => {
    await usher.backOffice.publish(
      Array.from({ length: 40 }, (_, n) => ({
        userId: 'liv',
        type: 'note.large',
        tier: 'important',
        key: `large:${n}`,
        data: 'x'.repeat(14_000),
      })),
    );
    const tv = await usher.device('liv', 'liv-tv', { acks: false });
    let isReading = false;
    const pageAcks: (() => void)[] = [];
    tv.socket.onAny((_, __, ack?: () => void) => {
      if (isReading) ack?.();
      else if (ack) pageAcks.push(ack);
    });
    const phone = await usher.device('liv', 'liv-phone');
    await phone.waitFor('snapshot', ({ hasMore }) => hasMore === false);
    for (const n of [1, 2]) {
      await publish('liv', 'tip.shown', { tier: 'routine', key: 'tip', data: n });
      await phone.waitFor('tip.shown', ({ data }) => (data as unknown) === n);
    }
    await phone.heartbeat({ showId: 'dark' });
    await publish('liv', 'note.live');
    await phone.waitFor('note.live');
    expect(tv.envelopes()).toEqual([]);
    isReading = true;
    for (const ack of pageAcks) ack();
    await tv.waitFor('tip.shown');
    await tv.waitFor('playback.progress');
    const lastPage = tv.received.findLastIndex(({ event }) => event === 'snapshot');
    expect(tv.received[lastPage]?.payload).toMatchObject({ hasMore: false });
    const after = tv.received.slice(lastPage + 1).map(({ event, payload }) => [event, payload.data]);
    expect(after).toEqual([
      ['note.live', {}],
      ['tip.shown', 2],
      ['playback.progress', expect.objectContaining({ showId: 'dark' })],
    ]);
  });

  test('does not receive what expired while it took the pages of its history', async () => {
    await usher.backOffice.publish(
      Array.from({ length: 40 }, (_, n) => ({
        userId: 'max',
        type: 'note.large',
        tier: 'important',
        key: `large:${n}`,
        data: 'x'.repeat(14_000),
      })),
    );
    const tv = await usher.device('max', 'max-tv', { acks: false });
    const pageAcks: (() => void)[] = [];
    tv.socket.onAny((_, __, ack?: () => void) => void (ack && pageAcks.push(ack)));
    const expiresAt = Date.now() + 300;
    await publish('max', 'note.brief', { expiresAt: new Date(expiresAt).toISOString() });
    await publish('max', 'note.lasting');
    await eventually('it has expired', () => Date.now() > expiresAt);
    await eventually('the device is live', () => {
      for (const ack of pageAcks.splice(0)) ack();
      return tv.envelopes('note.lasting').length === 1;
    });
    await publish('max', 'note.live');
    await tv.waitFor('note.live');
    expect(tv.envelopes().map(({ type }) => type)).toEqual(['note.lasting', 'note.live']);
  });

  test('receives a large replay in order, and live events after it', async () => {
    const { position } = await usher.state('mia');
    await usher.backOffice.publish(
      Array.from({ length: 60 }, (_, n) => ({
        userId: 'mia',
        type: 'note.large',
        tier: 'important',
        data: `${n}${'x'.repeat(14_000)}`,
      })),
    );
    const device = await usher.device('mia', 'mia-tv', { position });
    await publish('mia', 'note.live');
    await device.waitFor('note.live');
    expect(device.received[0]?.payload).toMatchObject({ resume: 'replay' });
    expect(device.offsets()).toEqual(Array.from({ length: 61 }, (_, n) => n + 1));
  });

  test('receives a snapshot when it missed more than a megabyte', async () => {
    const { position } = await usher.state('nia');
    const large = { userId: 'nia', type: 'note.large', tier: 'important', data: 'x'.repeat(16_000) };
    for (let call = 0; call < 2; call += 1)
      await usher.backOffice.publish(Array.from({ length: 35 }, () => large));
    const device = await usher.device('nia', 'nia-tv', { position });
    expect(device.received[0]?.payload).toMatchObject({ resume: 'snapshot', offset: 70 });
  });

  test('receives what it missed, in order and only the newest of each key, when it sends its position', async () => {
    const before = await usher.device('ben', 'ben-tv');
    await publish('ben', 'note.first');
    const { epoch, offset } = await before.waitFor('note.first');
    before.close();
    await publish('ben', 'note.kept', { key: 'a', data: 1 });
    await publish('ben', 'note.kept', { key: 'b', data: 2 });
    await publish('ben', 'note.kept', { key: 'a', data: 3 });
    const after = await usher.device('ben', 'ben-tv', { position: { epoch, offset } });
    expect(after.received[0]?.payload).toMatchObject({ resume: 'replay', offset: 4, epoch });
    await after.waitFor('note.kept', ({ data }) => (data as unknown) === 3);
    expect(after.envelopes().map(({ offset: at, key, data }) => [at, key, data])).toEqual([
      [3, 'b', 2],
      [4, 'a', 3],
    ]);
  });

  test('receives a snapshot when its position is of another epoch, ahead of the mailbox, or more than 300 behind', async () => {
    const many = Array.from({ length: 301 }, (_, n) => ({
      userId: 'cleo',
      type: 'note.many',
      tier: 'important',
      data: n,
    }));
    await usher.backOffice.publish(many);
    const { position } = await usher.state('cleo');
    const resume = async (epoch: string, offset: number) => {
      const device = await usher.device('cleo', 'cleo-tv', { position: { epoch, offset } });
      return device.received[0]?.payload.resume;
    };
    expect(await resume('elsewhere', 301)).toBe('snapshot');
    expect(await resume(position.epoch, 999)).toBe('snapshot');
    expect(await resume(position.epoch, 0)).toBe('snapshot');
    expect(await resume(position.epoch, 1)).toBe('replay');
  });

  test('receives its history and then live events without a gap, while events are published', async () => {
    let publishing = true;
    const publishMany = (async () => {
      for (let n = 0; publishing && n < 250; n += 1) await publish('dan', 'note.pour', { data: n });
    })();
    const first = await usher.device('dan', 'dan-0');
    const { epoch } = first.received[0]?.payload ?? { epoch: '' };
    for (let round = 1; round <= 8; round += 1) {
      const device = await usher.device('dan', `dan-${round}`, { position: { epoch, offset: 0 } });
      await eventually('ten live events', () => device.offsets().length >= 10);
      const offsets = device.offsets();
      expect(offsets).toEqual(offsets.map((_, index) => index + 1));
    }
    publishing = false;
    await publishMany;
  });

  test('receives with a replay where the other devices stopped, and not its own heartbeats', async () => {
    const tv = await usher.device('bea', 'bea-tv');
    const phone = await usher.device('bea', 'bea-phone');
    const { epoch, offset } = phone.received[0]?.payload ?? { epoch: '', offset: 0 };
    await phone.heartbeat({ showId: 'own', positionSeconds: 100 });
    phone.close();
    await tv.heartbeat({ showId: 'other', positionSeconds: 700, state: 'paused' });
    const again = await usher.device('bea', 'bea-phone', { position: { epoch, offset } });
    expect((await again.waitFor('playback.progress')).data).toMatchObject({
      showId: 'other',
      positionSeconds: 700,
      state: 'paused',
    });
    expect(again.envelopes('playback.progress')).toHaveLength(1);
    again.close();
    const auth = { since: new Date(Date.now() + 1_000).toISOString() };
    const later = await usher.device('bea', 'bea-phone', { position: { epoch, offset }, auth });
    await publish('bea', 'note.after');
    await later.waitFor('note.after');
    expect(later.envelopes('playback.progress')).toEqual([]);
  });

  test('can request what it missed without reconnecting', async () => {
    const device = await usher.device('eve', 'eve-tv');
    await publish('eve', 'note.one');
    const { epoch } = await device.waitFor('note.one');
    expect(await device.request('sync', { epoch, offset: 0 })).toEqual({ ok: true });
    await eventually('it is sent again', () => device.envelopes('note.one').length === 2);
    expect(device.received.findLast(({ event }) => event === 'welcome')?.payload).toMatchObject({
      resume: 'replay',
      offset: 1,
    });
    expect(await device.request('sync', { epoch: 'elsewhere', offset: 7 })).toEqual({ ok: true });
    await eventually(
      'a second snapshot',
      () => device.received.filter(({ event }) => event === 'snapshot').length === 2,
    );
  });

  test('replaces its older connection', async () => {
    const older = await usher.device('fay', 'fay-tv');
    const newer = await usher.device('fay', 'fay-tv');
    await older.disconnected();
    expect(older.received.at(-1)).toMatchObject({ event: 'goaway', payload: { reason: 'superseded' } });
    await publish('fay', 'note.newer');
    await newer.waitFor('note.newer');
    expect(older.envelopes()).toEqual([]);
  });

  test('is notified when an event was seen on another device', async () => {
    const tv = await usher.device('gus', 'gus-tv');
    const phone = await usher.device('gus', 'gus-phone');
    await publish('gus', 'note.see');
    const { id, offset } = await tv.waitFor('note.see');
    expect(await tv.request('receipt', { offset, state: 'seen' })).toEqual({ ok: true });
    expect((await phone.waitFor('receipts.changed')).data).toEqual({ ids: [id], state: 'seen' });
    expect(tv.envelopes('receipts.changed')).toEqual([]);
  });

  test('can refresh its token without reconnecting', async () => {
    const device = await usher.device('hal', 'hal-tv', {
      token: await usher.token('hal', { expiresIn: '30s' }),
    });
    await device.waitFor('token.expiring');
    const reply = await device.request('token.refresh', {
      token: await usher.token('hal', { expiresIn: '2h' }),
    });
    expect(reply).toMatchObject({ ok: true });
  });
});

describe('the entries of a mailbox', () => {
  test('of any size are read in pages that go on after the state', async () => {
    const large = Array.from({ length: 40 }, (_, n) => ({
      userId: 'ida',
      type: 'note.large',
      tier: 'important',
      data: `${n}${'x'.repeat(14_000)}`,
    }));
    await usher.backOffice.publish(large);
    const read: string[] = [];
    let { body } = await me('ida', '/v1/me/state');
    for (let page = 1; ; page += 1) {
      const { entries, position, hasMore } = body as unknown as {
        entries: { data: string }[];
        position: { epoch: string; offset: number };
        hasMore: boolean;
      };
      read.push(...entries.map(({ data }) => data));
      expect(JSON.stringify(entries).length).toBeLessThan(300_000);
      expect(position.offset).toBe(read.length);
      if (!hasMore) break;
      expect(page).toBeLessThan(4);
      const query = `epoch=${position.epoch}&after=${position.offset}&limit=500`;
      ({ body } = await me('ida', `/v1/me/entries?${query}`));
    }
    expect(read).toEqual(large.map(({ data }) => data));
  });

  test('are read page by page', async () => {
    await usher.backOffice.publish(
      Array.from({ length: 5 }, (_, n) => ({ userId: 'kim', type: 'note.page', tier: 'important', data: n })),
    );
    const offsets: number[] = [];
    let query = 'after=0&limit=2';
    for (let page = 0; page < 3; page += 1) {
      const { body } = await me('kim', `/v1/me/entries?${query}`);
      const { position, entries, hasMore } = body as {
        position: { epoch: string; offset: number };
        entries: { offset: number }[];
        hasMore: boolean;
      };
      offsets.push(...entries.map(({ offset }) => offset));
      expect(hasMore).toBe(page < 2);
      query = `epoch=${position.epoch}&after=${position.offset}&limit=2`;
    }
    expect(offsets).toEqual([1, 2, 3, 4, 5]);
    expect(await me('kim', '/v1/me/entries?epoch=elsewhere&after=0')).toMatchObject({
      status: 410,
      body: { code: 'position_lost' },
    });
  });

  test.each([
    'after=-1',
    'after=1.5',
    'after=NaN',
    'after=1e400',
    'after=0x',
    'limit=0',
    'limit=501',
    'limit=all',
  ])('are not read from an invalid position: %s', async (query) => {
    expectProblem(await me('ada', `/v1/me/entries?${query}`), 400, 'invalid_request');
  });

  test.each(['epoch=of-another-numbering&after=0', 'after=9007199254740991', 'epoch=%00'])(
    'return position_lost for an unknown position: %s',
    async (query) => {
      expectProblem(await me('ada', `/v1/me/entries?${query}`), 410, 'position_lost');
    },
  );
});
