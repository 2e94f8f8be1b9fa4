import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { isWaitingForLock } from '../../support/infrastructure/locks.js';
import { metric } from '../../support/metric.js';

let usher: TestUsher;
const open: AbortController[] = [];
beforeAll(async () => {
  usher = await startUsher();
});
afterAll(async () => {
  for (const controller of open) controller.abort();
  await usher.stop();
});

interface StreamEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: Record<string, unknown>;
}

/** Opens an event stream and reads it like a browser's EventSource. */
async function listen(userId: string, lastEventId?: string, query = '') {
  const controller = new AbortController();
  open.push(controller);
  const headers = {
    authorization: `Bearer ${await usher.token(userId)}`,
    ...(lastEventId && { 'last-event-id': lastEventId }),
  };
  const response = await fetch(`${usher.url}/v1/me/events${query}`, { headers, signal: controller.signal });
  const events: StreamEvent[] = [];
  let text = '';
  void (async () => {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) if (!block.startsWith(':')) events.push(parsed(block));
    }
  })().catch(() => undefined);
  return {
    response,
    events,
    waitFor: (event: string) =>
      eventually(`the stream receives ${event}`, () => events.find((one) => one.event === event)),
    close: () => controller.abort(),
  };
}

/** EVENT_STREAMS_PER_USER by default. */
const STREAMS_PER_USER = 20;

test('streams that are given up while their token is checked are not counted for ever', async () => {
  const unlock = await usher.database.holdTransaction('LOCK TABLE revocation');
  const authorization = `Bearer ${await usher.token('ike')}`;
  const controller = new AbortController();
  const all = Array.from({ length: STREAMS_PER_USER }, () =>
    fetch(`${usher.url}/v1/me/events`, { headers: { authorization }, signal: controller.signal }),
  );
  const over = Promise.allSettled(all);
  await eventually('a token is checked', () => isWaitingForLock(usher.database));
  controller.abort();
  await over;
  // By then the node has seen the ends of the others.
  await fetch(`${usher.url}/health/live`);
  await unlock();
  const stream = await listen('ike');
  expect(stream.response.status).toBe(200);
  stream.close();
});

function parsed(block: string): StreamEvent {
  const field = (name: string) =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  return {
    id: field('id'),
    event: field('event'),
    data: JSON.parse(field('data') ?? 'null') as Record<string, unknown>,
  };
}

const publish = (userId: string, type: string, tier = 'important') =>
  usher.backOffice.publish([{ userId, type, tier, data: { text: 'a, "quoted" word' } }]);

describe('Server-Sent Events', () => {
  test('carry the same events as the socket, in the same envelopes', async () => {
    const stream = await listen('ann');
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
    const device = await usher.device('ann', 'ann-tv');
    await stream.waitFor('snapshot');
    for (const tier of ['critical', 'important', 'routine']) await publish('ann', `note.${tier}`, tier);
    for (const tier of ['critical', 'important', 'routine']) {
      const onStream = await stream.waitFor(`note.${tier}`);
      expect(onStream.data).toEqual(await device.waitFor(`note.${tier}`));
    }
    expect(stream.events.map(({ event }) => event).slice(0, 2)).toEqual(['welcome', 'snapshot']);
  });

  test('resume from Last-Event-ID without a gap', async () => {
    const first = await listen('ben');
    await publish('ben', 'note.one');
    const { id } = await first.waitFor('note.one');
    first.close();
    await publish('ben', 'note.two');
    const second = await listen('ben', id);
    await publish('ben', 'note.three');
    await second.waitFor('note.three');
    expect(second.events.map(({ event }) => event)).toEqual(['welcome', 'note.two', 'note.three']);
    expect(second.events[0]?.data).toMatchObject({ resume: 'replay', offset: 2 });
  });

  test('start again with a snapshot that carries the position when the Last-Event-ID is unknown', async () => {
    await publish('cleo', 'note.one');
    const stream = await listen('cleo', 'elsewhere:7');
    const snapshot = await stream.waitFor('snapshot');
    const { epoch, offset } = snapshot.data.position as { epoch: string; offset: number };
    expect(snapshot.id).toBe(`${epoch}:${offset}`);
  });

  test('register no device unless one is named, and end when the reader disconnects', async () => {
    const anonymous = await listen('dan');
    await anonymous.waitFor('welcome');
    const named = await listen('dan', undefined, '?deviceId=dan-browser');
    await named.waitFor('welcome');
    const devices = await usher.database.query(`SELECT device_id FROM device WHERE user_id = 'dan'`);
    expect(devices).toEqual([{ device_id: 'dan-browser' }]);
    const connections = () => metric(usher, 'usher_connections');
    const before = await connections();
    named.close();
    anonymous.close();
    await eventually('both streams are closed', async () => (await connections()) <= before - 2);
  });

  test('are refused without a valid token', async () => {
    const response = await fetch(`${usher.url}/v1/me/events`);
    expect({ status: response.status, body: (await response.json()) as unknown }).toMatchObject({
      status: 401,
      body: { code: 'token_missing' },
    });
  });

  test('is refused to a user who has twenty of them, until one is closed', async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, () => listen('max')));
    expect(streams.map(({ response }) => response.status)).toEqual(streams.map(() => 200));
    const { response } = await listen('max');
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await listen('moe')).response.status).toBe(200);
    expect(await metric(usher, 'usher_connects_refused_total', { limit: 'streams_of_user' })).toBe(1);
    streams[0]?.close();
    await eventually('there is room for one', async () => (await listen('max')).response.status === 200);
  });

  test('receives a large history in pages, and can go on after each of them', async () => {
    const events = Array.from({ length: 40 }, (_, n) => ({
      userId: 'liz',
      type: 'note.large',
      tier: 'important',
      key: `large:${n}`,
      data: 'x'.repeat(14_000),
    }));
    await usher.backOffice.publish(events);
    const stream = await listen('liz');
    const pages = () => stream.events.filter(({ event }) => event === 'snapshot');
    await eventually('the last page', () => pages().at(-1)?.data.hasMore === false);
    const keys = pages().flatMap(({ data }) => (data.entries as { key: string }[]).map(({ key }) => key));
    expect(keys).toEqual(events.map(({ key }) => key));
    const again = await listen('liz', pages()[0]?.id);
    await eventually('the rest', () => again.events.at(-1)?.id === pages().at(-1)?.id);
    expect(again.events.slice(1)).toHaveLength(
      40 - ((pages()[0]?.data.entries as unknown[] | undefined)?.length ?? 0),
    );
  });
});
