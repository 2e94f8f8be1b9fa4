import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import { noteAt } from '../../../test/support/note.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { TracingService } from '../../platform/tracing/tracing.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { AcknowledgementsService } from './acknowledgements.service.js';
import { HOLD_BYTES, MAX_WAITING_BYTES } from './backpressure.js';
import { Connection } from './connection.js';
import { ConnectionRegistryService } from './connection-registry.service.js';
import { EventFrame } from './frame.js';
import { DeliveryMonitorService } from '../monitoring/delivery-monitor.service.js';
import { LocalDeliveryService } from './local-delivery.service.js';
import type { Transport } from './transport.js';
import { WriteScheduler } from './write-scheduler.js';

// One test provokes an error that is logged.
beforeAll(() => Logger.overrideLogger(false));

const NOW = 1_000_000;

/** A connection that has caught up with offset 0, and the offsets of each write to it. */
function liveConnection(deviceId = 'ann-tv'): {
  connection: Connection;
  transport: Transport;
  writes: (number | undefined)[][];
} {
  const identity = { userId: 'ann', expiresAt: new Date(NOW), issuedAt: undefined, tokenId: undefined };
  const connection = new Connection({
    identity,
    deviceId,
    profileId: 'main',
    now: NOW,
    lifetimeMs: 1_000,
  });
  const writes: (number | undefined)[][] = [];
  const transport: Transport = {
    bufferedBytes: 0,
    sentBytes: 0,
    acknowledges: true,
    encode: () => undefined,
    write: (events) => void writes.push(events.map(({ header }) => header.offset)),
    emit: () => undefined,
    disconnect: () => undefined,
    terminate: () => undefined,
  };
  connection.transport = transport;
  connection.outbound.finishCatchUp({ epoch: 'e1', offset: 0 });
  return { connection, transport, writes };
}

const event = (offset: number): EventFrame => new EventFrame(EncodedEvent.of(noteAt(offset)));

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
  const { header } = event(1);
  delivery.deliver([
    { userId: 'ann', event: EncodedEvent.fromNode({ ...header, tier: 'critical' }, '["note.one",{}]') },
  ]);
  delivery.onApplicationShutdown();
  expect(isTerminated).toBe(true);
  expect(broken.connection.isClosed).toBe(true);
  expect(good.writes).toEqual([[1]]);
});

describe('a live connection', () => {
  test('sends an unacknowledged event once more, then gives it up, and accepts one late acknowledgement for each', () => {
    const { connection, transport, writes } = liveConnection();
    const frame = event(1);
    connection.outbound.add(frame);
    connection.flush();
    const { acks } = connection;
    const sentAt = Date.now();
    expect(acks?.resendDue(transport, 1_000, sentAt + 2_000)).toEqual([]);
    expect(acks?.resendDue(transport, 1_000, sentAt + 2_500)).toEqual([]);
    expect(acks?.resendDue(transport, 1_000, sentAt + 4_000)).toEqual([frame]);
    expect(writes).toEqual([[1], [1]]);
    expect(connection.unacknowledged).toBe(0);
    expect([acks?.acceptLateAck(), acks?.acceptLateAck(), acks?.acceptLateAck()]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('keeps no memory of acknowledgements that came, and of an event that must be applied until it is', () => {
    const { connection, transport } = liveConnection();
    const receipts = { record: () => undefined };
    const service = new AcknowledgementsService(
      receipts as never,
      { latest: undefined } as never,
      { ACK_TIMEOUT_SECONDS: 5 } as never,
    );
    const [one, two] = [event(1), event(2)];
    for (const frame of [one, two]) connection.outbound.add(frame);
    connection.flush();
    expect(service.acknowledge(connection, one.ackId ?? 0)).toBe(true);
    expect(connection.acks?.size).toBe(1);
    expect(service.acknowledge(connection, two.ackId ?? 0)).toBe(true);
    expect(connection.acks).toBeUndefined();
    expect(service.acknowledge(connection, two.ackId ?? 0)).toBe(false);
    const { header } = event(3);
    const change = new EventFrame(
      EncodedEvent.fromNode({ ...header, type: 'membership.changed' }, '["membership.changed",{}]'),
    );
    connection.outbound.add(change);
    connection.flush();
    service.acknowledge(connection, change.ackId ?? 0);
    expect(connection.acks).toBeDefined();
    connection.applied(['id-3']);
    expect(connection.acks).toBeUndefined();
    const late = event(4);
    connection.outbound.add(late);
    connection.flush();
    connection.acks?.resendDue(transport, 0, monotonicNow() + 1);
    service.acknowledge(connection, late.ackId ?? 0);
    expect(connection.acks?.acceptLateAck()).toBe(true);
  });

  test('that is slow gets no more events, but its acknowledgements of earlier ones still count', () => {
    const { connection, writes } = liveConnection();
    const frame = event(1);
    connection.outbound.add(frame);
    connection.flush();
    connection.sendGoaway('slow', 0);
    connection.outbound.add(event(2));
    connection.flush();
    expect(writes).toEqual([[1]]);
    expect(connection.unacknowledged).toBe(0);
    expect(connection.acks?.acknowledge(frame.ackId ?? 0)).toBe(frame);
    expect(connection.acks?.acknowledge(frame.ackId ?? 0)).toBeUndefined();
  });

  test('holds events during a catch-up and sends them after its history, each offset once', () => {
    const { connection, writes } = liveConnection();
    connection.outbound.startCatchUp();
    for (const offset of [2, 4, 3]) connection.outbound.add(event(offset));
    connection.flush();
    expect(writes).toEqual([]);
    connection.outbound.replay([event(1), event(2)]);
    connection.outbound.finishCatchUp({ epoch: 'e1', offset: 2 });
    connection.flush();
    expect(writes).toEqual([[1, 2, 3, 4]]);
    expect(connection.outbound.hasGap).toBe(false);
  });
});

const schedulers: WriteScheduler[] = [];
afterEach(() => schedulers.splice(0).forEach((one) => one.stop()));

/** A live device whose network takes nothing until `read` is called. */
function slowDevice() {
  const identity = { userId: 'ann', expiresAt: new Date(), issuedAt: undefined, tokenId: undefined };
  const connection = new Connection({
    identity,
    deviceId: 'ann-tv',
    profileId: 'main',
    now: 0,
    lifetimeMs: 1_000,
  });
  const written: (number | undefined)[] = [];
  const transport = {
    bufferedBytes: 0,
    sentBytes: 0,
    acknowledges: false,
    encode: () => undefined,
    write(events: readonly EventFrame[]) {
      for (const { header, body } of events) {
        written.push(header.offset);
        transport.bufferedBytes += body.length;
      }
    },
    emit: () => undefined,
    disconnect: () => undefined,
    terminate: () => undefined,
  };
  connection.transport = transport;
  connection.outbound.finishCatchUp({ epoch: 'e1', offset: 0 });
  let stuck = 0;
  const scheduler = new WriteScheduler(() => (stuck += 1));
  schedulers.push(scheduler);
  let offset = 0;
  const publish = (bytes: number) => {
    offset += 1;
    const header = {
      id: `${offset}`,
      type: 'note',
      tier: 'critical' as const,
      key: `${offset}`,
      epoch: 'e1',
    };
    const envelope = { ...header, offset, at: '', data: 'x'.repeat(bytes) };
    connection.outbound.add(new EventFrame(EncodedEvent.of(envelope)));
    scheduler.writeNow(connection);
  };
  const read = () => {
    transport.bufferedBytes = 0;
    scheduler.writeNow(connection);
  };
  return { publish, read, written, isStuck: () => stuck > 0 };
}

describe('a device to which much was written', () => {
  test('is not terminated for what was written a moment ago: what follows waits until it has read that', () => {
    const device = slowDevice();
    device.publish(HOLD_BYTES + 1);
    device.publish(10);
    device.publish(10);
    expect(device.isStuck()).toBe(false);
    expect(device.written).toEqual([1]);
    device.read();
    expect(device.written).toEqual([1, 2, 3]);
  });

  test('is terminated when more than a megabyte waits for it as well', () => {
    const device = slowDevice();
    device.publish(HOLD_BYTES + 1);
    device.publish(MAX_WAITING_BYTES / 2);
    expect(device.isStuck()).toBe(false);
    device.publish(MAX_WAITING_BYTES);
    expect(device.isStuck()).toBe(true);
  });
});
