import { beforeAll, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { liveConnection } from '../../../test/support/live-connection.js';
import { noteAt } from '../../../test/support/note.js';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { TracingService } from '../../platform/tracing/tracing.service.js';
import { DeliveryMonitorService } from '../monitoring/delivery-monitor.service.js';
import type { Connection } from '../connection/connection.js';
import { ConnectionRegistryService } from '../connection/connection-registry.service.js';
import { LocalDeliveryService } from './local-delivery.service.js';

// One test provokes an error that is logged.
beforeAll(() => Logger.overrideLogger(false));

/** The delivery to these devices. */
function deliveryTo(...devices: readonly Connection[]) {
  const metrics = new MetricsService();
  const load = { registerWriteQueue: () => undefined, writesWaiting: 0 };
  const connections = new ConnectionRegistryService(metrics);
  for (const connection of devices) connections.add(connection);
  const delivery = new LocalDeliveryService(
    connections,
    {} as never,
    new EventBusService(),
    new DeliveryMonitorService(load as never, metrics, new TracingService()),
    load as never,
  );
  return { delivery, connections };
}

test('an event that only the device that caused it could get is not encoded, and one for two devices is once', () => {
  const [tv, phone] = [liveConnection().connection, liveConnection('ann-phone').connection];
  let encoded = 0;
  const make = () => {
    encoded += 1;
    return noteAt(1);
  };
  const event = () => EncodedEvent.deferred(noteAt(1), make);
  const [alone, both] = [deliveryTo(tv).delivery, deliveryTo(tv, phone).delivery];
  alone.deliver([{ userId: 'ann', event: event(), exceptDeviceId: 'ann-tv' }]);
  expect(encoded).toBe(0);
  both.deliver([{ userId: 'ann', event: event() }]);
  expect(encoded).toBe(1);
  for (const delivery of [alone, both]) delivery.onApplicationShutdown();
});

test('a device that cannot be written to is disconnected, and keeps no other from its events', () => {
  const [broken, good] = [liveConnection(), liveConnection()];
  let isTerminated = false;
  const failing = {
    encode: () => {
      throw new Error('broken');
    },
    // A polling device has left the node when this returns.
    terminate: () => {
      isTerminated = true;
      connections.remove(broken.connection);
    },
  };
  broken.connection.transport = Object.assign(broken.transport, failing);
  const { delivery, connections } = deliveryTo(broken.connection, good.connection);
  const header = noteAt(1);
  delivery.deliver([
    { userId: 'ann', event: EncodedEvent.fromNode({ ...header, tier: 'critical' }, '["note.one",{}]') },
  ]);
  delivery.onApplicationShutdown();
  expect(isTerminated).toBe(true);
  expect(broken.connection.isClosed).toBe(true);
  expect(good.writes).toEqual([[1]]);
});
