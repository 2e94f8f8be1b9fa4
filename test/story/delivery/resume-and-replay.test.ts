import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const publish = (userId: string, type: string, more: Record<string, unknown> = {}) =>
  usher.backOffice.publish([{ userId, type, tier: 'important', data: {}, ...more }]);

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
    const { body } = await usher.callAs('ann', 'GET', '/v1/me/state');
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
