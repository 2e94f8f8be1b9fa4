import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { decodeEvents, encodeEvents } from '../../cluster/node-message.js';
import { EncodedEvent, type OutgoingEvent } from '../../mailbox/events/outgoing-event.js';
import { noteAt } from '../../../test/support/note.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { TracingService } from '../../platform/tracing/tracing.service.js';
import { Connection } from '../connection/connection.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import { LocalDeliveryService } from '../delivery/local-delivery.service.js';
import { DeliveryMonitorService } from '../monitoring/delivery-monitor.service.js';
import { PacedDeliveryService } from './paced-delivery.service.js';

const WITHIN_MS = 3_600_000;
const MESSAGE_LENGTH = 20_000_000;
let connection: Connection;
let delivery: LocalDeliveryService;
let paced: PacedDeliveryService;
let made: number[];
beforeEach(() => {
  const identity = { userId: 'ann', expiresAt: new Date(), issuedAt: undefined, tokenId: undefined };
  connection = new Connection({ identity, deviceId: 'tv', profileId: 'main', now: 0, lifetimeMs: 1_000 });
  connection.outbound.finishCatchUp({ epoch: 'e1', offset: 0 });
  made = [];
  const [metrics, bus] = [new MetricsService(), new EventBusService()];
  const connections = new ConnectionRegistryService(metrics);
  connections.add(connection);
  const load = { registerWriteQueue: () => undefined, writesWaiting: 0 } as never;
  const monitor = new DeliveryMonitorService(load, metrics, new TracingService());
  delivery = new LocalDeliveryService(connections, {} as never, bus, monitor, load);
  paced = new PacedDeliveryService(bus, connections, delivery, metrics);
});
afterEach(() => {
  paced.onApplicationShutdown();
  delivery.onApplicationShutdown();
});

function event(userId: string, offset: number, withinMs?: number): OutgoingEvent {
  const envelope = noteAt(offset);
  const make = () => {
    made.push(offset);
    return envelope;
  };
  return { userId, event: EncodedEvent.deferred(envelope, make), withinMs };
}
const sentUpTo = () => connection.outbound.position?.offset;

test('an event that waits is encoded, so that it does not keep the batch of the nightly file that it came in', () => {
  paced.deliver([event('ann', 1, WITHIN_MS), event('offline', 1, WITHIN_MS)]);
  expect([made, connection.outbound.hasDurable]).toEqual([[1], false]);
});

test('an event that waits does not keep the message of another node that it came in', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heapUsed = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const { header } = event('ann', 1).event;
  const eventWith = (userId: string, data: string): OutgoingEvent => {
    const body = `["note.one",${JSON.stringify({ ...header, data })}]`;
    return { userId, event: EncodedEvent.fromNode(header, body), withinMs: WITHIN_MS };
  };
  const deliverMessage = () => {
    const message = encodeEvents([
      eventWith('ann', 'short'),
      eventWith('offline', 'x'.repeat(MESSAGE_LENGTH)),
    ]);
    paced.deliver(decodeEvents(message));
  };
  const before = heapUsed();
  deliverMessage();
  expect(heapUsed() - before).toBeLessThan(MESSAGE_LENGTH / 2);
});

test('an event that a device waits for does not wait, or what came before it would be held up', () => {
  paced.deliver([event('ann', 2)]);
  expect([connection.outbound.hasGap, sentUpTo()]).toEqual([true, 0]);
  paced.deliver([event('ann', 1, WITHIN_MS)]);
  expect([connection.outbound.hasGap, sentUpTo()]).toEqual([false, 2]);
});

test('held events that cannot be delivered neither end the process nor keep others from being delivered', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  const logged: unknown[] = [];
  const quiet = () => undefined;
  Logger.overrideLogger({ log: quiet, warn: quiet, error: (error: unknown) => logged.push(error) });
  try {
    paced.deliver([event('ann', 1, 1)]);
    jest.spyOn(delivery, 'deliver').mockImplementationOnce(() => {
      throw new Error('broken');
    });
    jest.advanceTimersByTime(200);
    await new Promise((resolve) => setImmediate(resolve));
    expect(logged).toEqual([new Error('broken')]);
    paced.deliver([event('ann', 2, 1)]);
    jest.advanceTimersByTime(200);
    await new Promise((resolve) => setImmediate(resolve));
    expect(connection.outbound.hasGap).toBe(true);
  } finally {
    jest.restoreAllMocks();
    jest.useRealTimers();
    Logger.overrideLogger(['log', 'warn', 'error', 'fatal']);
  }
});
