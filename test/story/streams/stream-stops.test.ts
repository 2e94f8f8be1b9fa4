import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { backOffice } from '../../support/drivers/back-office.js';
import {
  cancel,
  pause,
  putPlans,
  renewStream,
  startStream,
  subscribe,
} from '../../support/drivers/subscribers.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
let other: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  other = await usher.another();
  await putPlans(usher);
});
afterAll(() => usher.stop());

describe('a stream is stopped in the same commit as its cause, and its device receives stream.stop, for', () => {
  test('a canceled membership', async () => {
    await subscribe(usher, 'fay');
    const tv = await usher.device('fay', 'fay-tv');
    const phone = await other.device('fay', 'fay-phone');
    const { body } = await startStream(usher, 'fay', { deviceId: 'fay-tv' });
    await cancel(usher, 'fay');
    const stop = await tv.waitFor('stream.stop');
    expect(stop).toMatchObject({
      tier: 'critical',
      key: `stream:${body.streamId}`,
      target: 'fay-tv',
      data: { streamId: body.streamId, reason: 'membership' },
    });
    expect((await phone.waitFor('stream.stop')).target).toBe('fay-tv');
    // Each stream has a key of its own: what matters to nobody any more must not stay in the mailbox for ever.
    const [entry] = await usher.database.query<{ hours: number }>(
      `SELECT extract(epoch FROM expires_at - at)::float8 / 3600 AS hours FROM mailbox_entry WHERE type = 'stream.stop' AND user_id = 'fay'`,
    );
    expect(entry?.hours).toBeCloseTo(26, 1);
    expectProblem(await renewStream(other, body.streamId), 403, 'not_entitled');
    expectProblem(await startStream(usher, 'fay'), 403, 'not_entitled');
  });

  test('a paused membership; once it goes on, a renewal says that the stream has ended and why, and another one starts', async () => {
    await subscribe(usher, 'flo');
    const { body } = await startStream(usher, 'flo');
    await pause(usher, 'flo');
    expectProblem(await renewStream(other, body.streamId), 403, 'not_entitled');
    await subscribe(usher, 'flo');
    const reply = await renewStream(other, body.streamId);
    expectProblem(reply, 404, 'not_found');
    expect(reply.body).toMatchObject({ reason: 'membership' });
    expect((await startStream(usher, 'flo')).status).toBe(201);
  });

  test('a smaller plan, which stops the newest streams and keeps the oldest', async () => {
    await subscribe(usher, 'gus');
    const first = await startStream(usher, 'gus', { deviceId: 'gus-tv' });
    const second = await startStream(other, 'gus', { deviceId: 'gus-phone' });
    const phone = await usher.device('gus', 'gus-phone');
    await subscribe(usher, 'gus', 'solo');
    expect((await phone.waitFor('stream.stop')).data).toEqual({
      streamId: second.body.streamId,
      reason: 'too_many_streams',
    });
    expectProblem(await renewStream(usher, second.body.streamId), 409, 'too_many_streams');
    expect((await renewStream(usher, first.body.streamId)).status).toBe(200);
    await subscribe(usher, 'gus');
    const late = await renewStream(usher, second.body.streamId);
    expectProblem(late, 404, 'not_found');
    expect(late.body).toMatchObject({ reason: 'too_many_streams' });
  });

  test('a device that was removed, but not for another user’s device with the same id', async () => {
    await subscribe(usher, 'hal');
    const tv = await usher.device('hal', 'living-room-tv');
    await usher.device('hal', 'hal-pad');
    const onTv = await startStream(usher, 'hal', { deviceId: 'living-room-tv' });
    const onPad = await startStream(usher, 'hal', { deviceId: 'hal-pad' });
    const token = await usher.token('hal');
    await backOffice(other.url, token).call('DELETE', '/v1/me/devices/hal-pad');
    await tv.waitFor('stream.stop', ({ data }) => data.streamId === onPad.body.streamId);
    await usher.device('ivy', 'living-room-tv');
    expect((await renewStream(usher, onTv.body.streamId)).status).toBe(200);
    const ivy = backOffice(other.url, await usher.token('ivy'));
    expect((await ivy.call('DELETE', '/v1/me/devices/living-room-tv')).status).toBe(204);
    expect((await renewStream(usher, onTv.body.streamId)).status).toBe(200);
    expect(tv.envelopes('stream.stop')).toHaveLength(1);
  });

  test('a request of an operator', async () => {
    await subscribe(usher, 'jon');
    const tv = await usher.device('jon', 'jon-tv');
    const { body } = await startStream(usher, 'jon');
    const reply = await usher.backOffice.call('DELETE', '/v1/users/jon/streams', undefined, {
      'usher-reason': 'a test',
    });
    expect(reply.body).toEqual({ stopped: [body.streamId] });
    expect((await tv.waitFor('stream.stop')).data).toEqual({ streamId: body.streamId, reason: 'operator' });
    expect((await renewStream(usher, body.streamId)).body).toMatchObject({
      code: 'not_found',
      reason: 'operator',
    });
  });

  test('a cancellation at the same moment as its start', async () => {
    for (let round = 0; round < 8; round += 1) {
      const userId = `kim-${round}`;
      await subscribe(usher, userId);
      await Promise.all([
        ...Array.from({ length: 4 }, (_, n) => startStream(n % 2 ? usher : other, userId)),
        cancel(usher, userId),
      ]);
      const running = await usher.database.query(
        'SELECT 1 FROM stream WHERE user_id = $1 AND ended_at IS NULL',
        [userId],
      );
      expect(running).toEqual([]);
    }
  });
});
