import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { describeEachRedis, type TestRedis } from '../../support/infrastructure/redis.js';
import { metric } from '../../support/metric.js';

describeEachRedis('devices of one user on two nodes', (start) => {
  let redis: TestRedis;
  let a: TestUsher;
  let b: TestUsher;
  let api: TestUsher;
  beforeAll(async () => {
    redis = await start();
    a = await startUsher({ REDIS_URL: redis.url });
    b = await a.another();
    api = await a.another({ ROLES: 'api' });
  });
  afterAll(async () => {
    await a.stop();
    await redis.stop();
  });

  test('receive the same events, whichever node they come from, once and in the order of offsets', async () => {
    const onA = await a.device('ann', 'ann-a');
    const onB = await b.device('ann', 'ann-b');
    const nodes = [a, b, api];
    await Promise.all(
      Array.from({ length: 60 }, async (_, n) =>
        nodes[n % 3]?.backOffice.publish([
          { userId: 'ann', type: 'note.all', tier: n % 2 === 0 ? 'critical' : 'important', data: n },
        ]),
      ),
    );
    for (const device of [onA, onB]) {
      await eventually('all sixty events arrived', () => device.offsets().length >= 60);
      expect(device.offsets()).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
    }
  });

  test('receive events from a node without sockets at once, not only by the sweep', async () => {
    const device = await b.device('abe', 'abe-b');
    await api.backOffice.publish([{ userId: 'abe', type: 'note.routine', tier: 'routine', data: {} }]);
    await device.waitFor('note.routine');
  });

  test('are seen by an operator with node, position and lag, whichever node is asked', async () => {
    const onA = await a.device('ada', 'ada-a');
    await b.device('ada', 'ada-b');
    const asleep = await a.device('ada', 'ada-c');
    asleep.close();
    await a.backOffice.publish([{ userId: 'ada', type: 'note.one', tier: 'important', data: 1 }]);
    await onA.waitFor('note.one');
    for (const node of [a, b, api]) {
      const devices = await eventually('two are connected, and have everything', async () => {
        const { body } = await node.backOffice.call('GET', '/v1/users/ada');
        expect(body.awake).toBe(true);
        const described = body.devices as { deviceId: string; connection: Record<string, unknown> | null }[];
        const lags = described.map(({ connection }) => connection?.lag);
        return lags.filter((lag) => lag === 0).length === 2 ? described : undefined;
      });
      const byDevice = new Map(devices.map(({ deviceId, connection }) => [deviceId, connection]));
      const connection = { transport: 'socket', offset: 1, lag: 0, unreadBytes: 0 };
      expect(byDevice.get('ada-a')).toMatchObject(connection);
      expect(byDevice.get('ada-b')).toMatchObject(connection);
      expect(byDevice.get('ada-a')?.nodeId).not.toBe(byDevice.get('ada-b')?.nodeId);
      expect(byDevice.get('ada-c')).toBeNull();
    }
  });

  test('are sent a test event by an operator, or disconnected so that they resume, whichever node is asked', async () => {
    const onB = await b.device('amy', 'amy-b');
    const other = await b.device('amy', 'amy-other');
    const sendTestEvent = (node: TestUsher, deviceId: string) =>
      node.backOffice.call('POST', `/v1/users/amy/devices/${deviceId}/test-event`, undefined, {
        'usher-reason': 'a test',
      });
    for (const node of [api, a, b]) {
      const { status, body } = await sendTestEvent(node, 'amy-b');
      expect(status).toBe(202);
      await onB.waitFor('support.test', ({ id }) => id === body.id);
    }
    const disconnected = await api.backOffice.call('POST', '/v1/users/amy/devices/amy-b/disconnect');
    expect(disconnected.status).toBe(204);
    await onB.disconnected();
    expect(other.socket.connected).toBe(true);
    expect((await sendTestEvent(api, 'nope')).body).toMatchObject({ code: 'unknown_device' });
  });

  test('receive each other’s playback at once', async () => {
    const tv = await a.device('ben', 'ben-tv');
    const phone = await b.device('ben', 'ben-phone');
    await tv.heartbeat({ positionSeconds: 700 });
    expect((await phone.waitFor('playback.progress')).data).toMatchObject({
      positionSeconds: 700,
      deviceId: 'ben-tv',
    });
    expect(tv.envelopes('playback.progress')).toEqual([]);
  });

  test('cause no messages to a node without devices of the user', async () => {
    const device = await a.device('cleo', 'cleo-a');
    // No event of the earlier tests is still being sent.
    await eventually(
      'no handoff is left',
      async () => (await a.database.query("SELECT 1 FROM handoff WHERE consumer = 'delivery'")).length === 0,
    );
    const before = await metric(a, 'usher_node_messages_total');
    await a.backOffice.publish([{ userId: 'cleo', type: 'note.local', tier: 'critical', data: {} }]);
    await device.waitFor('note.local');
    expect(await metric(a, 'usher_node_messages_total')).toBe(before);
  });

  test('still receive events after Redis lost its data', async () => {
    const device = await b.device('dan', 'dan-b');
    await redis.flush();
    await eventually('a routine event arrives from the other node', async () => {
      await a.backOffice.publish([{ userId: 'dan', type: 'note.again', tier: 'routine', data: {} }]);
      return device.envelopes('note.again').length > 0;
    });
  });
});
