import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call } from '../../support/drivers/back-office.js';
import type { Device } from '../../support/drivers/device.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';

let usher: TestUsher;
let users = 0;
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(() => usher.stop());

interface Screens {
  readonly userId: string;
  readonly tv: Device;
  readonly phone: Device;
  /** Beats of the TV, each some seconds after the first. */
  play(seconds: number, beat?: Record<string, unknown>): Promise<void>;
  /** What the phone was told, after a marker shows that nothing is on its way. */
  told(): Promise<Record<string, unknown>[]>;
  stored(): Promise<Record<string, unknown>[]>;
}

async function screens(): Promise<Screens> {
  const userId = `viewer-${(users += 1)}`;
  const tv = await usher.device(userId, `${userId}-tv`);
  const phone = await usher.device(userId, `${userId}-phone`);
  const start = Date.now() - 3_600_000;
  let markers = 0;
  return {
    userId,
    tv,
    phone,
    async play(seconds, beat = {}) {
      expect(
        await tv.heartbeat({
          positionSeconds: seconds,
          at: new Date(start + seconds * 1_000).toISOString(),
          ...beat,
        }),
      ).toMatchObject({ ok: true });
    },
    async told() {
      const type = `note.marker-${(markers += 1)}`;
      await usher.backOffice.publish([{ userId, type, tier: 'routine', data: {} }]);
      await phone.waitFor(type);
      return phone.envelopes('playback.progress').map(({ data }) => data);
    },
    async stored() {
      return (await call(usher.url, await usher.token(userId), 'GET', '/v1/me/state')).body
        .playback as Record<string, unknown>[];
    },
  };
}

describe('playback', () => {
  test('a viewing counts from 60 seconds: earlier heartbeats are neither sent nor stored, later ones all are', async () => {
    const { play, told, stored } = await screens();
    await play(0);
    await play(30);
    expect(await told()).toEqual([]);
    expect(await stored()).toEqual([]);
    await play(60);
    await play(120);
    expect((await told()).map(({ positionSeconds }) => positionSeconds)).toEqual([60, 120]);
    expect(await stored()).toMatchObject([
      { profileId: 'main', showId: 'show', positionSeconds: 120, state: 'playing' },
    ]);
  });

  test('a show that is resumed in its middle counts at once', async () => {
    const { tv, told } = await screens();
    await tv.heartbeat({ positionSeconds: 1_800 });
    expect(await told()).toHaveLength(1);
  });

  test('a rollover to the next episode continues the same viewing', async () => {
    const { play, told } = await screens();
    await play(60, { episodeId: 'e1' });
    await play(70, { episodeId: 'e2', positionSeconds: 3 });
    expect((await told()).map(({ episodeId, positionSeconds }) => [episodeId, positionSeconds])).toEqual([
      ['e1', 60],
      ['e2', 3],
    ]);
  });

  test('an older heartbeat never overwrites a newer one, from the same device or another', async () => {
    const { play, told, stored, phone } = await screens();
    await play(600);
    await play(540);
    await phone.heartbeat({ positionSeconds: 10, at: new Date(Date.now() - 4_000_000).toISOString() });
    await phone.heartbeat({ positionSeconds: 500, at: new Date(Date.now() - 4_000_000).toISOString() });
    expect((await told()).map(({ positionSeconds }) => positionSeconds)).toEqual([600]);
    expect(await stored()).toMatchObject([{ positionSeconds: 600 }]);
  });

  test('a device whose clock runs ahead does not block the heartbeats of the other devices', async () => {
    const { tv, phone, stored } = await screens();
    await tv.heartbeat({ positionSeconds: 600, at: new Date(Date.now() + 3_600_000).toISOString() });
    await phone.heartbeat({ positionSeconds: 700 });
    expect(await stored()).toMatchObject([{ positionSeconds: 700 }]);
  });

  test('a pause and the end reach the other devices', async () => {
    const { play, told } = await screens();
    await play(100);
    await play(110, { state: 'paused' });
    await play(120, { state: 'ended' });
    expect((await told()).map(({ state }) => state)).toEqual(['playing', 'paused', 'ended']);
  });

  test('after five episodes started by autoplay, the playing device is asked “still watching?” once', async () => {
    const { play, tv, told } = await screens();
    for (let episode = 1; episode <= 7; episode += 1) {
      await play(episode * 100, { episodeId: `e${episode}`, autoplay: true });
      await told();
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
    const { play, tv, told } = await screens();
    for (let episode = 1; episode <= 8; episode += 1) {
      await play(episode * 100, { episodeId: `e${episode}`, autoplay: episode !== 5 });
    }
    await told();
    expect(tv.envelopes('playback.still_watching')).toEqual([]);
  });

  test('the count of episodes survives a reconnect', async () => {
    const { userId, play, tv } = await screens();
    for (let episode = 1; episode <= 4; episode += 1)
      await play(episode * 100, { episodeId: `e${episode}`, autoplay: true });
    tv.close();
    const again = await usher.device(userId, tv.id);
    const at = new Date(Date.now() - 3_600_000 + 500_000).toISOString();
    await again.heartbeat({ positionSeconds: 500, episodeId: 'e5', autoplay: true, at });
    await again.waitFor('playback.still_watching');
  });

  test('the heartbeats of a hundred devices at once are all stored', async () => {
    const devices = await Promise.all(
      Array.from({ length: 100 }, (_, n) => usher.device(`crowd-${n}`, `crowd-${n}`)),
    );
    const answers = await Promise.all(
      devices.map((device, n) => device.heartbeat({ positionSeconds: 100 + n })),
    );
    expect(answers.every(({ ok }) => ok)).toBe(true);
    const rows = await usher.database.query(`SELECT 1 FROM playback_position WHERE user_id LIKE 'crowd-%'`);
    expect(rows).toHaveLength(100);
  });
});
