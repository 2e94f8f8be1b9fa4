import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openRawDevice } from '../../support/drivers/raw-socket.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

/** `USHER_SOCKETS=stock npm test` runs every story so. */
describe('a node that uses Socket.IO by its public ways alone', () => {
  let usher: TestUsher;
  beforeAll(async () => {
    usher = await startUsher({ SOCKETS: 'stock', TRANSPORTS: 'websocket,polling', ACK_TIMEOUT_SECONDS: '1' });
  });
  afterAll(() => usher.stop());

  const publish = (userId: string, tier: string, count: number) =>
    usher.backOffice.publish(
      Array.from({ length: count }, (_, n) => ({
        userId,
        type: 'note.added',
        tier,
        key: `note ${n}`,
        data: { n },
      })),
    );

  test('sends each event once and in order, learns that it was received, and resumes', async () => {
    const tv = await usher.device('ann', 'tv');
    await publish('ann', 'important', 30);
    await publish('ann', 'critical', 1);
    await eventually('all came', () => tv.offsets().length === 31);
    expect(tv.offsets()).toEqual(Array.from({ length: 31 }, (_, n) => n + 1));
    await eventually('the last one is known as received', async () => {
      const { body } = await usher.backOffice.call('GET', '/v1/users/ann/timeline?limit=1');
      return JSON.stringify(body).includes('"received"');
    });
    const { epoch } = await tv.waitFor('welcome');
    tv.close();
    await publish('ann', 'important', 2);
    const again = await usher.device('ann', 'tv', { position: { epoch, offset: 31 } });
    await eventually('what was missed came', () => again.offsets().length === 2);
    expect(again.offsets()).toEqual([32, 33]);
  });

  test('sends one once more that was not acknowledged', async () => {
    const tv = await usher.device('bea', 'tv', { acks: false });
    await publish('bea', 'critical', 1);
    await eventually('it came twice', () => tv.offsets().length === 2);
    expect(tv.offsets()).toEqual([1, 1]);
  });

  test.each([['websocket'], ['polling']])('carries out what devices ask for over %s', async (transport) => {
    const tv = await usher.device('cem', `tv-${transport}`, { transports: [transport] });
    const phone = await usher.device('cem', `phone-${transport}`);
    expect(await tv.heartbeat({ showId: transport, positionSeconds: 600 })).toMatchObject({ ok: true });
    await phone.waitFor('playback.progress', ({ data }) => data.showId === transport);
    expect(await tv.heartbeat({ positionSeconds: -1 })).toMatchObject({
      ok: false,
      error: { code: 'invalid_request' },
    });
  });

  test('ends a connection that sends binary frames, or far more than it may', async () => {
    const token = await usher.token('dan');
    const binary = await openRawDevice(usher.url, token, 'dan-binary');
    binary.send(Buffer.from('not JSON'));
    await binary.closed();
    const flood = await openRawDevice(usher.url, token, 'dan-flood');
    for (let n = 0; n < 500; n += 1) flood.send('42["nobody.knows.this"]');
    await flood.closed();
  });
});
