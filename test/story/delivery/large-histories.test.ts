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

/** Publishes as many events of 14 KB, each with a key of its own. Returns their keys. */
async function publishLarge(userId: string, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, n) => `large:${n}`);
  const large = { userId, type: 'note.large', tier: 'important', data: 'x'.repeat(14_000) };
  await usher.backOffice.publish(keys.map((key) => ({ ...large, key })));
  return keys;
}

describe('a device that connects', () => {
  test('receives a large history in pages, each after it acknowledged the one before, and live events after all of them', async () => {
    const published = await publishLarge('lea', 40);
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
    expect(keys).toEqual(published);
    expect(pages().map(({ hasMore }) => hasMore)).toEqual([true, true, false]);
    expect(Object.keys(pages()[1] ?? {}).sort()).toEqual(['entries', 'hasMore', 'position']);
  });

  test('receives after the last page what was published while it took the pages: durable events, then routine ones', async () => {
    await publishLarge('liv', 40);
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
    await publishLarge('max', 40);
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
    await publishLarge('mia', 60);
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
});
