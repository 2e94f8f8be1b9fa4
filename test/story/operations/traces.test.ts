import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { subscriptionIds } from '../../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { type FakeFcm, startFakeFcm } from '../../support/fakes/fake-fcm.js';
import { type FakeStripe, startFakeStripe } from '../../support/fakes/fake-stripe.js';
import {
  type CollectedSpan,
  type FakeTraceCollector,
  startFakeTraceCollector,
} from '../../support/fakes/fake-trace-collector.js';

let collector: FakeTraceCollector;
let stripe: FakeStripe;
let fcm: FakeFcm;
let a: TestUsher;
let b: TestUsher;
beforeAll(async () => {
  [collector, stripe, fcm] = await Promise.all([
    startFakeTraceCollector(),
    startFakeStripe(),
    startFakeFcm(),
  ]);
  const environment = { ...collector.environment, ...stripe.environment, ...fcm.environment };
  a = await startUsher({ ...environment, OTEL_TRACES_SAMPLER_ARG: '1' });
  // What it would trace by itself is nothing: the decision comes with the event.
  b = await a.another({ OTEL_TRACES_SAMPLER_ARG: '0', ROLES: 'gateway' });
  await a.backOffice.putPlan('basic', ['price_basic']);
}, 60_000);
afterAll(async () => {
  await a.stop();
  await Promise.all([collector.close(), stripe.close(), fcm.close()]);
});

const newTrace = () => ({
  traceId: randomBytes(16).toString('hex'),
  parentId: randomBytes(8).toString('hex'),
});
const ofTrace = (traceId: string) => collector.spans.filter((span) => span.traceId === traceId);
/** The names of the spans from this one up to one whose parent is not among them. */
function pathOf(span: CollectedSpan | undefined): string[] {
  if (!span) return [];
  const parent = ofTrace(span.traceId).find(({ spanId }) => spanId === span.parentSpanId);
  return [...pathOf(parent), span.name];
}
const collected = (traceId: string, name: string) =>
  eventually(`the span ${name} comes`, () => ofTrace(traceId).find((span) => span.name === name));
const publish = (traceparent: string, event: Record<string, unknown>) =>
  a.backOffice.publish([{ type: 'note.one', tier: 'critical', data: {}, ...event }], { traceparent });

describe('a published event', () => {
  test('is one trace from the caller’s call to the device’s acknowledgement, over two nodes', async () => {
    const device = await b.device('ann', 'ann-tv');
    // A node that has just come may be told by its mailbox, which has no traces; routine events go from node to node alone.
    await eventually('the nodes know of each other', async () => {
      await a.backOffice.publish([{ type: 'note.before', tier: 'routine', userId: 'ann', data: {} }]);
      return device.envelopes('note.before').length > 0;
    });
    const { traceId, parentId } = newTrace();
    const { body } = await publish(`00-${traceId}-${parentId}-01`, { userId: 'ann' });
    await device.waitFor('note.one');
    const acknowledged = await collected(traceId, 'ack device');
    for (const name of ['POST /v1/events', 'route nodes']) await collected(traceId, name);
    expect(pathOf(acknowledged)).toEqual([
      'POST /v1/events',
      'append mailbox',
      'route nodes',
      'write device',
      'ack device',
    ]);
    const spans = ofTrace(traceId);
    expect(spans).toHaveLength(5);
    expect(spans.find(({ name }) => name.startsWith('POST'))?.parentSpanId).toBe(parentId);
    const instances = (names: string[]) =>
      new Set(spans.filter(({ name }) => names.includes(name)).map(({ instance }) => instance));
    const onA = instances(['POST /v1/events', 'append mailbox', 'route nodes']);
    const onB = instances(['write device', 'ack device']);
    expect([onA.size, onB.size, new Set([...onA, ...onB]).size]).toEqual([1, 1, 2]);
    const [accepted] = (body as { accepted: { id: string }[] }).accepted;
    expect(acknowledged.attributes).toMatchObject({
      'messaging.message.id': accepted?.id,
      'messaging.operation.type': 'settle',
      'usher.event.tier': 'critical',
    });
    // Nothing names the user or the device.
    expect(JSON.stringify(spans)).not.toContain('ann');
    expect(collector.headers()['x-collector-key']).toBe('wr1tten');
  });

  test('whose caller does not sample it is in no trace', async () => {
    const device = await b.device('bob', 'bob-tv');
    const { traceId, parentId } = newTrace();
    const { body } = await publish(`00-${traceId}-${parentId}-00`, { userId: 'bob' });
    await device.waitFor('note.one');
    // A later event, whose spans are exported after those that there must not be. A device that gets one from its mailbox, because
    // messages came late, acknowledges it outside of any trace: then another is sent.
    await eventually('a later event is acknowledged in its trace', async () => {
      const later = newTrace();
      await publish(`00-${later.traceId}-${later.parentId}-01`, { userId: 'bob', type: 'note.two' });
      return eventually(
        'it is acknowledged',
        () => ofTrace(later.traceId).some(({ name }) => name === 'ack device'),
        3_000,
      ).catch(() => false);
    });
    expect(ofTrace(traceId)).toEqual([]);
    // Nor in one of Usher's own.
    const [{ id }] = body.accepted as [{ id: string }];
    expect(collector.spans.filter(({ attributes }) => attributes['messaging.message.id'] === id)).toEqual([]);
  });

  test('that is pushed goes on to the provider in its trace', async () => {
    const push = { kind: 'fcm_token', address: randomUUID() };
    const registered = await a.callAs('cleo', 'PUT', '/v1/me/devices/cleo-phone', {
      platform: 'android',
      push,
    });
    expect(registered.status).toBe(200);
    const { traceId, parentId } = newTrace();
    await publish(`00-${traceId}-${parentId}-01`, {
      userId: 'cleo',
      data: { title: 'Hello', body: 'There' },
    });
    const sent = await collected(traceId, 'send fcm');
    await collected(traceId, 'POST /v1/events');
    expect(pathOf(sent)).toEqual(['POST /v1/events', 'append mailbox', 'claim push', 'send fcm']);
    expect(sent.attributes).toMatchObject({ 'usher.push.result': 'delivered' });
  });
});

test('a webhook is a trace: received, the processor asked, the subscription saved, its event appended', async () => {
  await a.stripe.send(stripe.createSubscription({ ...subscriptionIds('dan'), price: 'price_basic' }));
  const saved = await eventually('the subscription is saved', () =>
    collector.spans.find(({ name }) => name === 'save subscription'),
  );
  const appended = await collected(saved.traceId, 'append mailbox');
  const received = await collected(saved.traceId, 'POST /v1/webhooks/:processor');
  expect(pathOf(appended)).toEqual([received.name, 'save subscription', 'append mailbox']);
  const fetched = await collected(saved.traceId, 'fetch stripe');
  expect(fetched.parentSpanId).toBe(received.spanId);
  expect(JSON.stringify(ofTrace(saved.traceId))).not.toContain('dan');
});

test('an app cannot have its calls traced by a traceparent: the sampler decides, and the trace is linked to the one that it names', async () => {
  const { traceId, parentId } = newTrace();
  const headers = { traceparent: `00-${traceId}-${parentId}-01` };
  expect((await a.callAs('eve', 'GET', '/v1/me/state', undefined, headers)).status).toBe(200);
  const span = await eventually('its span comes', () =>
    collector.spans.find(({ links = [] }) => links.some((link) => link.traceId === traceId)),
  );
  expect([span.name, span.parentSpanId ?? '']).toEqual(['GET /v1/me/state', '']);
  // Nor with an invented service key, whose call is refused.
  const refused = await fetch(`${a.url}/v1/users/eve`, {
    headers: { ...headers, authorization: 'Bearer usher_0123456789abcdef_invented' },
  });
  expect(refused.status).toBe(401);
  await a.backOffice.call('GET', '/v1/plans');
  await eventually('a later span comes', () => collector.spans.find(({ name }) => name === 'GET /v1/plans'));
  expect(ofTrace(traceId)).toEqual([]);
});
