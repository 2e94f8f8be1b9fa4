import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CommandReply, Device } from '../../support/drivers/device.js';
import { openRawDevice } from '../../support/drivers/raw-socket.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog } from '../../support/expectations.js';
import { forgedTokens, nestedJson, nestedValue } from '../../support/invalid-input.js';

const MAX_FRAME = 16 * 1024;

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

const expectRejected = (reply: CommandReply, code: string, retryable = false): void =>
  expect(reply).toEqual({
    ok: false,
    error: expect.objectContaining({ code, retryable, message: expect.any(String) }),
  });
const publish = async (
  userId: string,
  more: Record<string, unknown> = {},
): Promise<{ id: string; offset: number }> => {
  const { body } = await usher.backOffice.publish([
    { userId, type: 'note.added', tier: 'important', data: {}, ...more },
  ]);
  return (body.accepted as { id: string; offset: number }[])[0] as { id: string; offset: number };
};

describe('a frame that is too large or too deep', () => {
  test('over 16 KiB closes the socket, exactly 16 KiB is accepted, and the device loses nothing when it reconnects', async () => {
    const { epoch } = (await usher.state('bo')).position;
    const socket = await openRawDevice(usher.url, await usher.token('bo'), 'bo-tv');
    const frame = (bytes: number): string => {
      const beat = (pad: string) =>
        `421["playback.heartbeat",{"showId":"show","positionSeconds":600,"durationSeconds":3600,"state":"playing","pad":"${pad}"}]`;
      return beat('x'.repeat(bytes - beat('').length));
    };
    socket.send(frame(MAX_FRAME));
    expect(await socket.waitFor(/^431/)).toContain('"ok":true');
    socket.send(frame(MAX_FRAME + 1));
    await socket.closed();
    const { offset } = await publish('bo');

    const back = await usher.device('bo', 'bo-tv', { position: { epoch, offset: 0 } });
    expect(await back.waitFor('note.added')).toMatchObject({ offset });
    expect((await usher.state('bo')).playback).toEqual([
      expect.objectContaining({ showId: 'show', positionSeconds: 600 }),
    ]);
  });

  test('of more than 16 levels is rejected without closing the socket; of 16 levels it is accepted', async () => {
    const device = await usher.device('bo', 'bo-phone');
    expectRejected(await device.heartbeat({ extra: nestedValue(16) }), 'too_deep');
    expect(await device.heartbeat({ extra: nestedValue(15) })).toMatchObject({ ok: true });
    expectRejected(await device.request('receipt', nestedValue(17)), 'too_deep');
  });

  test('of 8,000 levels is rejected without closing the socket', async () => {
    const socket = await openRawDevice(usher.url, await usher.token('bo'), 'bo-tablet');
    socket.send(`427["playback.heartbeat",${nestedJson(8_000)}]`);
    expect(await socket.waitFor(/^437/)).toContain('too_deep');
    socket.send(`428["sync",{"epoch":"e","offset":0}]`);
    expect(await socket.waitFor(/^438/)).toContain('"ok":true');
    socket.terminate();
  });
});

describe('an invalid heartbeat is rejected and leaves the stored position unchanged', () => {
  let device: Device;
  beforeAll(async () => {
    device = await usher.device('cy', 'cy-tv');
    await device.heartbeat({ positionSeconds: 700 });
  });

  const expectUnchanged = async (): Promise<void> =>
    expect((await usher.state('cy')).playback).toEqual([
      expect.objectContaining({ showId: 'show', positionSeconds: 700 }),
    ]);

  test.each([
    ['not a number (JSON makes it null)', Number.NaN],
    ['infinite (JSON makes it null)', Number.POSITIVE_INFINITY],
    ['negative', -1],
    ['a little negative', -0.001],
    ['huge', 1e308],
    ['longer than any film', 8_640_001],
    ['a string', '600'],
    ['a list', [600]],
    ['an object', { seconds: 600 }],
    ['a boolean', true],
    ['missing', undefined],
  ])('a position that is %s', async (_, positionSeconds) => {
    expectRejected(await device.heartbeat({ positionSeconds }), 'invalid_request');
    expectRejected(await device.heartbeat({ durationSeconds: positionSeconds }), 'invalid_request');
    await expectUnchanged();
  });

  test('a position too large for a number', async () => {
    const socket = await openRawDevice(usher.url, await usher.token('cy'), 'cy-raw');
    socket.send(
      '425["playback.heartbeat",{"showId":"show","positionSeconds":1e999,"durationSeconds":3600,"state":"playing"}]',
    );
    expect(await socket.waitFor(/^435/)).toContain('invalid_request');
    socket.terminate();
    await expectUnchanged();
  });

  test.each([
    ['an unknown state', { state: 'rewinding' }],
    ['no state', { state: undefined }],
    ['a show that is not a string', { showId: 7 }],
    ['an empty show id', { showId: '' }],
    ['a show with a zero character', { showId: 'sh\u0000ow' }],
    ['a show with half of a surrogate pair', { showId: 'show\ud800' }],
    ['an episode with a line break', { episodeId: 'one\ntwo' }],
    ['a title of 129 characters', { showId: 'x'.repeat(129) }],
    ['a profile with invalid characters', { profileId: 'ann/main' }],
    ['an invalid time', { at: 'yesterday' }],
    ['a negative time', { at: -1 }],
    ['a time beyond every calendar', { at: 1e300 }],
    ['an autoplay flag that is not a boolean', { autoplay: 'yes' }],
  ])('%s', async (_, wrong) => {
    expectRejected(await device.heartbeat(wrong), 'invalid_request');
    await expectUnchanged();
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'playing'],
    ['a number', 600],
    ['a list', [{ showId: 'show' }]],
  ])('%s instead of a heartbeat', async (_, payload) => {
    expectRejected(await device.request('playback.heartbeat', payload), 'invalid_request');
    await expectUnchanged();
  });

  test('unknown fields are ignored', async () => {
    expect(
      await device.heartbeat({ positionSeconds: 700, userId: 'dee', deviceId: 'dee-tv', admin: true }),
    ).toMatchObject({ ok: true });
    expect((await usher.state('dee')).playback).toEqual([]);
    await expectUnchanged();
  });
});

describe('a receipt for what the device was not sent is rejected', () => {
  let device: Device;
  let own: { id: string; offset: number };
  beforeAll(async () => {
    device = await usher.device('eve', 'eve-tv');
    own = await publish('eve');
    await device.waitFor('note.added');
  });

  test('for events of another user', async () => {
    const foreign = await publish('fay');
    expectRejected(await device.request('receipt', { ids: [foreign.id], state: 'seen' }), 'unknown_event');
    expectRejected(
      await device.request('receipt', { ids: [own.id, foreign.id], state: 'seen' }),
      'unknown_event',
    );
    expect(await usher.database.query('SELECT 1 FROM receipt WHERE event_id = $1', [foreign.id])).toEqual([]);
    expect(
      await usher.database.query('SELECT seen_at FROM receipt WHERE event_id = $1 AND seen_at IS NOT NULL', [
        own.id,
      ]),
    ).toEqual([]);
  });

  test('for an event for another device of the same user, even after this device acknowledged the frame', async () => {
    const phone = await usher.device('eve', 'eve-phone');
    const other = await publish('eve', { deviceId: 'eve-phone' });
    for (const one of [device, phone]) await one.waitFor('note.added', ({ id }) => id === other.id);
    const receiptsOf = (deviceId: string) =>
      usher.database.query('SELECT 1 FROM receipt WHERE event_id = $1 AND device_id = $2', [
        other.id,
        deviceId,
      ]);
    await eventually('the phone received it', async () => (await receiptsOf('eve-phone')).length === 1);
    expectRejected(await device.request('receipt', { ids: [other.id], state: 'applied' }), 'unknown_event');
    expectRejected(
      await device.request('receipt', { offset: other.offset, state: 'applied' }),
      'unknown_event',
    );
    expect(await receiptsOf('eve-tv')).toEqual([]);
  });

  test('for offsets beyond the newest event', async () => {
    for (const offset of [own.offset + 1_000, Number.MAX_SAFE_INTEGER])
      expectRejected(await device.request('receipt', { offset, state: 'applied' }), 'unknown_event');
  });

  test.each([
    ['with offset zero', { offset: 0, state: 'seen' }],
    ['a negative offset', { offset: -1, state: 'seen' }],
    ['half an offset', { offset: 1.5, state: 'seen' }],
    ['an offset as text', { offset: '1', state: 'seen' }],
    ['a huge offset', { offset: 1e300, state: 'seen' }],
    ['no ids', { ids: [], state: 'seen' }],
    ['too many ids', { ids: Array.from({ length: 101 }, () => crypto.randomUUID()), state: 'seen' }],
    ['invalid ids', { ids: ['1 OR 1=1'], state: 'seen' }],
    ['an earlier state', { offset: 1, state: 'sent' }],
    ['an unknown state', { offset: 1, state: 'loved' }],
    ['nothing', undefined],
  ])('%s', async (_, payload) => {
    expectRejected(await device.request('receipt', payload), 'invalid_request');
  });

  test('while a valid receipt is accepted', async () => {
    expect(await device.request('receipt', { offset: own.offset, state: 'seen' })).toEqual({ ok: true });
  });
});

describe('a connected device cannot', () => {
  test('become another user by a token refresh', async () => {
    const device = await usher.device('gus', 'gus-tv');
    for (const [, token, code] of await forgedTokens())
      expectRejected(await device.request('token.refresh', { token }), code);
    const foreign = await usher.token('hal');
    expectRejected(await device.request('token.refresh', { token: foreign }), 'token_invalid');
    for (const token of [undefined, '', 7, null])
      expectRejected(await device.request('token.refresh', { token }), 'invalid_request');
    await publish('gus');
    await device.waitFor('note.added');
  });

  test('join another user’s room', async () => {
    const device = await usher.device('ida', 'ida-tv');
    for (const event of ['join', 'subscribe', 'room'])
      device.socket.emit(event, { room: 'jo', userId: 'jo' });
    await publish('jo');
    await publish('ida', { type: 'note.own' });
    await device.waitFor('note.own');
    expect(device.envelopes('note.added')).toEqual([]);
  });

  test.each([
    ['an offset that is not a number', { epoch: 'e', offset: 'one' }],
    ['a negative offset', { epoch: 'e', offset: -1 }],
    ['no epoch', { offset: 1 }],
    ['an epoch with a zero character', { epoch: 'e\u0000', offset: 1 }],
    ['nothing', undefined],
  ])('sync from %s, and stays connected and up to date', async (_, position) => {
    const device = await usher.device('kim', 'kim-tv');
    expectRejected(await device.request('sync', position), 'invalid_request');
    const { offset } = await publish('kim');
    await device.waitFor('note.added', (event) => event.offset === offset);
  });
});

describe('the rate limiter of a device’s frames', () => {
  test('rejects what exceeds the burst and keeps the connection', async () => {
    const device = await usher.device('lu', 'lu-tv');
    const replies = await Promise.all(Array.from({ length: 150 }, () => device.heartbeat({})));
    const limited = replies.filter(({ ok }) => !ok);
    for (const reply of limited) {
      expectRejected(reply, 'rate_limited', true);
      expect(reply.error?.retryAfterMs).toBeGreaterThan(0);
    }
    // A burst of 100, and 20 more per second.
    expect(replies.slice(0, 100).every(({ ok }) => ok)).toBe(true);
    expect(limited.length).toBeGreaterThan(0);
    expect(limited.length).toBeLessThanOrEqual(50);
    await publish('lu');
    await device.waitFor('note.added');
    expect(device.socket.connected).toBe(true);
  });

  test('disconnects a device that floods, lets it reconnect, and affects no other device', async () => {
    const other = await usher.device('mo', 'mo-tv');
    const device = await usher.device('ned', 'ned-tv');
    for (let n = 0; n < 2_000; n += 1) device.socket.emit('playback.heartbeat', {});
    await device.disconnected();
    expect(await other.heartbeat({})).toMatchObject({ ok: true });
    const back = await usher.device('ned', 'ned-tv');
    expect(await back.heartbeat({})).toMatchObject({ ok: true });
  });

  test('counts frames of every kind', async () => {
    const socket = await openRawDevice(usher.url, await usher.token('oz'), 'oz-tv');
    for (let n = 0; n < 2_000; n += 1) socket.send('42["nobody-listens",{}]');
    await socket.closed();
  });
});

test('the node still works, and its log contains no token, key or secret', async () => {
  const device = await usher.device('zoe', 'zoe-tv');
  expect(await device.heartbeat({})).toMatchObject({ ok: true });
  expectCleanLog(usher);
});
