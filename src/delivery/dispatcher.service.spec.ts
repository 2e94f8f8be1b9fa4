import { expect, test } from '@jest/globals';
import { noteAt } from '../../test/support/note.js';
import { EncodedEvent, type OutgoingEvent } from '../mailbox/events/outgoing-event.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import type { Tier } from '../platform/tiers.js';
import { DispatcherService, eventsForThisNode } from './dispatcher.service.js';

/** A node without others, and the ids of the events in the order in which its devices get them. */
function onlyNode() {
  const [bus, delivered] = [new EventBusService(), [] as string[]];
  bus.subscribe(eventsForThisNode, (events) => {
    delivered.push(...events.map(({ event }) => event.header.id));
  });
  const noOthers = { route: () => Promise.resolve() } as never;
  return { dispatcher: new DispatcherService(bus, {} as never, noOthers, new MetricsService()), delivered };
}

function event(id: string, tier: Tier): OutgoingEvent {
  const { offset: _offset, ...envelope } = noteAt(1);
  return { userId: 'ann', event: EncodedEvent.of({ ...envelope, id, tier }) };
}

test('what is published later is delivered later, also when the first batch is large; critical events overtake', async () => {
  const { dispatcher, delivered } = onlyNode();
  const first = Array.from({ length: 1_000 }, (_, n) => event(`first-${n}`, 'routine'));
  const second = [event('second', 'routine'), event('critical', 'critical')];
  await Promise.all([dispatcher.dispatch(first), dispatcher.dispatch(second)]);
  expect(delivered).toEqual(['critical', ...first.map((one) => one.event.header.id), 'second']);
});
