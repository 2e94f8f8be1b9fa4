import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Envelope } from '../mailbox/events/event.js';
import { EncodedEvent, type OutgoingEvent } from '../mailbox/events/outgoing-event.js';
import { decodeEvents, encodeEvents } from './node-message.js';

const AT = '2026-11-20T08:47:45.000Z';
const ID = 'a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11';

const envelopes = fc.record(
  {
    id: fc.constant(ID),
    type: fc.constantFrom('promo.started', 'a'),
    tier: fc.constantFrom('critical' as const, 'routine' as const),
    key: fc.oneof(fc.string(), fc.constant('","data":{\n"'), fc.constant(',"data":')),
    data: fc.oneof(fc.jsonValue(), fc.constant({ a: 1, data: 2 })),
    at: fc.constant(AT),
    epoch: fc.string(),
    offset: fc.nat(),
    target: fc.constant('ada-tv'),
    expiresAt: fc.constant(AT),
    profileId: fc.constant('main'),
  },
  { requiredKeys: ['id', 'type', 'tier', 'key', 'data', 'at'] },
);
const rare = fc.record(
  {
    exceptDeviceId: fc.constant('ada-phone'),
    reportSent: fc.constant(true),
    againTo: fc.array(fc.constant('ada-tv')),
    withinMs: fc.nat(),
    trace: fc.string(),
  },
  { requiredKeys: [] },
);

/** What a node needs to know of an event, and what its devices get. */
const essence = ({ header: { id, type, tier, key, offset, epoch, target, at }, body }: EncodedEvent) => ({
  ...{ id, type, tier, key, offset: epoch === undefined ? undefined : offset, epoch, target, at },
  body: JSON.parse(body) as unknown,
});

test('another node gets each event as it was sent, whatever its key, its epoch and its data are', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(envelopes, rare), { minLength: 1, maxLength: 5 }), (all) => {
      const sent = all.map(([envelope, more]) => {
        const placed = 'offset' in envelope ? { epoch: 'e', ...envelope } : { ...envelope, epoch: undefined };
        return { userId: 'ada', event: EncodedEvent.of(placed as Envelope), ...more };
      });
      const received = decodeEvents(encodeEvents(sent));
      expect(received.map(({ event }) => essence(event))).toEqual(sent.map(({ event }) => essence(event)));
      for (const [n, { event: _, ...got }] of received.entries()) {
        const { event: __, ...expected } = sent[n] as OutgoingEvent;
        expect(got).toEqual(expected);
      }
    }),
  );
});

test('an event that a node of an older version sent is read as well', () => {
  const header = { id: ID, type: 'a', tier: 'routine', key: 'k' };
  const [event] = decodeEvents(`${JSON.stringify(['ada', null, header])}\n["a",{"data":1}]`);
  expect(event).toMatchObject({ userId: 'ada', event: { header, body: '["a",{"data":1}]' } });
});
