import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { liveConnection } from '../../../test/support/live-connection.js';
import { noteAt } from '../../../test/support/note.js';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { TracingService } from '../../platform/tracing/tracing.service.js';
import { LocalDeliveryService } from '../delivery/local-delivery.service.js';
import { DeliveryMonitorService } from '../monitoring/delivery-monitor.service.js';
import { AcknowledgementsService } from './acknowledgements.service.js';
import { HOLD_EVENTS } from './backpressure.js';
import { CommandDispatcherService } from './command-dispatcher.service.js';
import { ConnectionRegistryService } from './connection-registry.service.js';
import { EventFrame } from './frame.js';

test('what was held back until a device had acknowledged enough is written with its next acknowledgement', async () => {
  const { connection, writes } = liveConnection();
  const frames = Array.from(
    { length: HOLD_EVENTS + 1 },
    (_, n) => new EventFrame(EncodedEvent.of(noteAt(n + 1))),
  );
  for (const frame of frames) connection.outbound.add(frame);
  connection.flush();
  const metrics = new MetricsService();
  const load = { registerWriteQueue: () => undefined, writesWaiting: 0 } as never;
  const receipts = { record: () => undefined } as never;
  const delivery = new LocalDeliveryService(
    new ConnectionRegistryService(metrics),
    receipts,
    new EventBusService(),
    new DeliveryMonitorService(load, metrics, new TracingService()),
    load,
  );
  const acknowledgements = new AcknowledgementsService(
    receipts,
    { latest: undefined } as never,
    { ACK_TIMEOUT_SECONDS: 5 } as never,
  );
  const dispatcher = new CommandDispatcherService({} as never, delivery, acknowledgements);
  connection.outbound.add(new EventFrame(EncodedEvent.of(noteAt(HOLD_EVENTS + 2))));
  delivery.resume(connection);
  await turn();
  expect(writes).toHaveLength(1);
  dispatcher.acknowledge(connection, frames[0]?.ackId ?? 0);
  await turn();
  expect(writes.slice(1)).toEqual([[HOLD_EVENTS + 2]]);
  delivery.onApplicationShutdown();
});
