import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Device } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';

let usher: TestUsher;
let users = 0;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

interface TwoDevices {
  readonly userId: string;
  readonly tv: Device;
  readonly phone: Device;
  /** Sends a heartbeat of the TV, this many seconds after the first. */
  sendHeartbeat(seconds: number, changes?: Record<string, unknown>): Promise<void>;
  /** Returns the progress that the phone received, once a marker event shows that nothing is in flight. */
  receivedByPhone(): Promise<Record<string, unknown>[]>;
  stored(): Promise<Record<string, unknown>[]>;
}

async function connectTwoDevices(): Promise<TwoDevices> {
  const userId = `viewer-${(users += 1)}`;
  const tv = await usher.device(userId, `${userId}-tv`);
  const phone = await usher.device(userId, `${userId}-phone`);
  const start = Date.now() - 3_600_000;
  let markers = 0;
  return {
    userId,
    tv,
    phone,
    async sendHeartbeat(seconds, changes = {}) {
      expect(
        await tv.heartbeat({
          positionSeconds: seconds,
          at: new Date(start + seconds * 1_000).toISOString(),
          ...changes,
        }),
      ).toMatchObject({ ok: true });
    },
    async receivedByPhone() {
      const type = `note.marker-${(markers += 1)}`;
      await usher.backOffice.publish([{ userId, type, tier: 'routine', data: {} }]);
      await phone.waitFor(type);
      return phone.envelopes('playback.progress').map(({ data }) => data);
    },
    async stored() {
      return (await usher.state(userId)).playback;
    },
  };
}

describe('playback', () => {
  test('a viewing counts from 60 seconds: earlier heartbeats are neither sent nor stored, later ones all are', async () => {
    const { sendHeartbeat, receivedByPhone, stored } = await connectTwoDevices();
    await sendHeartbeat(0);
    await sendHeartbeat(30);
    expect(await receivedByPhone()).toEqual([]);
    expect(await stored()).toEqual([]);
    await sendHeartbeat(60);
    await sendHeartbeat(120);
    expect((await receivedByPhone()).map(({ positionSeconds }) => positionSeconds)).toEqual([60, 120]);
    expect(await stored()).toMatchObject([
      { profileId: 'main', showId: 'show', positionSeconds: 120, state: 'playing' },
    ]);
  });

  test('a show that is resumed in its middle counts at once', async () => {
    const { tv, receivedByPhone } = await connectTwoDevices();
    await tv.heartbeat({ positionSeconds: 1_800 });
    expect(await receivedByPhone()).toHaveLength(1);
  });

  test('a rollover to the next episode continues the same viewing', async () => {
    const { sendHeartbeat, receivedByPhone } = await connectTwoDevices();
    await sendHeartbeat(60, { episodeId: 'e1' });
    await sendHeartbeat(70, { episodeId: 'e2', positionSeconds: 3 });
    expect(
      (await receivedByPhone()).map(({ episodeId, positionSeconds }) => [episodeId, positionSeconds]),
    ).toEqual([
      ['e1', 60],
      ['e2', 3],
    ]);
  });

  test('an older heartbeat never overwrites a newer one, from the same device or another', async () => {
    const { sendHeartbeat, receivedByPhone, stored, phone } = await connectTwoDevices();
    await sendHeartbeat(600);
    await sendHeartbeat(540);
    await phone.heartbeat({ positionSeconds: 10, at: new Date(Date.now() - 4_000_000).toISOString() });
    await phone.heartbeat({ positionSeconds: 500, at: new Date(Date.now() - 4_000_000).toISOString() });
    expect((await receivedByPhone()).map(({ positionSeconds }) => positionSeconds)).toEqual([600]);
    expect(await stored()).toMatchObject([{ positionSeconds: 600 }]);
  });

  test('a device whose clock runs ahead does not block the heartbeats of the other devices', async () => {
    const { tv, phone, stored } = await connectTwoDevices();
    await tv.heartbeat({ positionSeconds: 600, at: new Date(Date.now() + 3_600_000).toISOString() });
    await phone.heartbeat({ positionSeconds: 700 });
    expect(await stored()).toMatchObject([{ positionSeconds: 700 }]);
  });

  test('a heartbeat from the future counts as now, and silences none that follows', async () => {
    const { tv, phone, stored } = await connectTwoDevices();
    const at = new Date(Date.now() + 120_000).toISOString();
    await tv.heartbeat({ positionSeconds: 100, at });
    await tv.heartbeat({ positionSeconds: 200 });
    await tv.heartbeat({ positionSeconds: 300, state: 'paused' });
    await phone.waitFor('playback.progress', ({ data }) => data.positionSeconds === 300);
    expect(await stored()).toMatchObject([{ positionSeconds: 300, state: 'paused' }]);
  });

  test('a device that was renamed while it is connected has its new name in what it plays', async () => {
    const { tv, phone } = await connectTwoDevices();
    expect(await tv.request('device.update', { name: 'Kitchen' })).toMatchObject({ ok: true });
    await tv.heartbeat({ positionSeconds: 100 });
    expect((await phone.waitFor('playback.progress')).data).toMatchObject({ deviceName: 'Kitchen' });
  });

  test('a pause and the end reach the other devices', async () => {
    const { sendHeartbeat, receivedByPhone } = await connectTwoDevices();
    await sendHeartbeat(100);
    await sendHeartbeat(110, { state: 'paused' });
    await sendHeartbeat(120, { state: 'ended' });
    expect((await receivedByPhone()).map(({ state }) => state)).toEqual(['playing', 'paused', 'ended']);
  });

  test('after five episodes started by autoplay, the playing device is asked “still watching?” once', async () => {
    const { sendHeartbeat, tv, receivedByPhone } = await connectTwoDevices();
    for (let episode = 1; episode <= 7; episode += 1) {
      await sendHeartbeat(episode * 100, { episodeId: `e${episode}`, autoplay: true });
      await receivedByPhone();
      expect(tv.envelopes('playback.still_watching')).toHaveLength(episode < 5 ? 0 : 1);
    }
    const [ask] = tv.envelopes('playback.still_watching');
    expect(ask).toMatchObject({
      tier: 'important',
      key: `still_watching:${tv.id}`,
      target: tv.id,
      data: { showId: 'show', episodes: 5 },
    });
    expect(Date.parse(String(ask?.expiresAt)) - Date.parse(String(ask?.at))).toBeLessThanOrEqual(600_000);
  });

  test('an episode started by a person resets the count of episodes', async () => {
    const { sendHeartbeat, tv, receivedByPhone } = await connectTwoDevices();
    for (let episode = 1; episode <= 8; episode += 1) {
      await sendHeartbeat(episode * 100, { episodeId: `e${episode}`, autoplay: episode !== 5 });
    }
    await receivedByPhone();
    expect(tv.envelopes('playback.still_watching')).toEqual([]);
  });

  test('the count of episodes survives a reconnect', async () => {
    const { userId, sendHeartbeat, tv } = await connectTwoDevices();
    for (let episode = 1; episode <= 4; episode += 1)
      await sendHeartbeat(episode * 100, { episodeId: `e${episode}`, autoplay: true });
    tv.close();
    const again = await usher.device(userId, tv.id);
    const at = new Date(Date.now() - 3_600_000 + 500_000).toISOString();
    await again.heartbeat({ positionSeconds: 500, episodeId: 'e5', autoplay: true, at });
    await again.waitFor('playback.still_watching');
  });

  test('the heartbeats of a hundred devices at once are all stored', async () => {
    const devices = await Promise.all(
      Array.from({ length: 100 }, (_, n) => usher.device(`viewer-of-many-${n}`, `viewer-of-many-${n}`)),
    );
    const replies = await Promise.all(
      devices.map((device, n) => device.heartbeat({ positionSeconds: 100 + n })),
    );
    expect(replies.every(({ ok }) => ok)).toBe(true);
    const rows = await usher.database.query(
      `SELECT 1 FROM playback_position WHERE user_id LIKE 'viewer-of-many-%'`,
    );
    expect(rows).toHaveLength(100);
  });

  test.each(['0000-01-01T00:00:00Z', '1969-12-31T23:59:59Z', -1])(
    'a heartbeat of a time that no clock shows (%s) is refused, and does not reach PostgreSQL',
    async (at) => {
      const { tv } = await connectTwoDevices();
      expect(await tv.heartbeat({ positionSeconds: 100, at })).toMatchObject({
        ok: false,
        error: { code: 'invalid_request' },
      });
    },
  );
});
