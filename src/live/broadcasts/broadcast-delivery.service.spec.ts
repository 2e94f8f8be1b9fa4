import { describe, expect, test } from '@jest/globals';
import { setImmediate as nextIteration } from 'node:timers/promises';
import type { Broadcast } from '../../broadcasts/broadcast.js';
import { BroadcastLog } from '../../broadcasts/broadcast-log.js';
import { broadcastLogRead } from '../../broadcasts/broadcast-log.worker.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { SLOW_BYTES } from '../connection/backpressure.js';
import type { EventFrame } from '../connection/frame.js';
import { Connection } from '../connection/connection.js';
import { AckTracker } from '../connection/ack-tracker.js';
import { AcknowledgementsService } from '../connection/acknowledgements.service.js';
import { BroadcastDeliveryService } from './broadcast-delivery.service.js';
import { BroadcastFrame, positionWithout } from './broadcast-frame.js';

const broadcast = (number: number): Broadcast => ({
  number,
  id: `id-${number}`,
  type: 'notice',
  key: null,
  data: {},
  sample: 1,
  at: '2026-11-20T20:00:00.000Z',
  expiresAt: '2999-01-01T00:00:00.000Z',
});
const logOf = (...numbers: number[]) =>
  new BroadcastLog({ epoch: 'e1', number: numbers.at(-1) ?? 0 }, numbers.map(broadcast));

/** A node with so many devices that are up to date, and the frames that each of them was sent. */
function node(count: number) {
  const bus = new EventBusService();
  const logs = { latest: logOf() };
  const writes = { waitingDevices: 0 };
  const sent = new Map<object, EventFrame[]>();
  const counted: string[] = [];
  const connections = Array.from({ length: count }, () => ({
    userId: 'ann',
    broadcastPosition: { epoch: 'e1', number: 0 },
    outbound: { isLive: true, waitingBytes: 0 },
    transport: { bufferedBytes: 0 },
  }));
  const service = new BroadcastDeliveryService(
    logs as never,
    { all: () => connections } as never,
    Object.assign(writes, {
      deliverUnordered: (connection: object, frames: EventFrame[]) =>
        void sent.set(connection, [...(sent.get(connection) ?? []), ...frames]),
    }) as never,
    { count: (_: unknown, userId: string, stage: string) => counted.push(`${userId} ${stage}`) } as never,
    bus,
  );
  service.onModuleInit();
  const read = (...numbers: number[]) => {
    logs.latest = logOf(...numbers);
    bus.publish(broadcastLogRead, undefined);
  };
  const numbersOf = (connection: object | undefined) =>
    (sent.get(connection as object) ?? []).map(({ header }) => header.broadcast);
  return { connections, sent, counted, service, writes, read, numbersOf };
}
const asConnection = (one: object | undefined) => one as Connection;

describe('broadcasts of one node', () => {
  test('are sent to all devices in slices, between which the event loop goes on, by one frame for all', async () => {
    const { connections, sent, read } = node(4_000);
    read(1);
    let iterations = 0;
    for (; sent.size < connections.length; iterations += 1) {
      // Whatever is critical may be written here.
      expect(sent.size).toBeLessThanOrEqual(iterations * 256 + 256);
      await nextIteration();
    }
    expect(iterations).toBeGreaterThan(10);
    expect(new Set([...sent.values()].flat()).size).toBe(1);
  });

  test('are not queued for more devices while many wait to be written to: important events wait in the same queue', async () => {
    const { connections, sent, writes, read } = node(500);
    writes.waitingDevices = 257;
    read(1);
    for (let iteration = 0; iteration < 20; iteration += 1) await nextIteration();
    expect(sent.size).toBe(0);
    writes.waitingDevices = 0;
    while (sent.size < connections.length) await nextIteration();
  });

  test('that come while earlier ones are being sent reach all devices, once and in order', async () => {
    const { connections, sent, read, numbersOf } = node(500);
    read(1);
    await nextIteration();
    expect(sent.size).toBeLessThan(500);
    read(1, 2);
    while (connections.some((one) => numbersOf(one).length < 2)) await nextIteration();
    expect(connections.every((one) => numbersOf(one).join() === '1,2')).toBe(true);
  });

  test('wait for a device that reads slowly or gets its history, and come once it is ready', () => {
    const { connections, service, read, numbersOf } = node(2);
    const [slow, new_] = connections;
    if (slow) slow.transport.bufferedBytes = SLOW_BYTES + 1;
    if (new_) new_.outbound.isLive = false;
    read(1, 3);
    for (const one of connections) service.deliver(asConnection(one));
    expect(connections.map(numbersOf)).toEqual([[], []]);
    if (slow) slow.transport.bufferedBytes = 0;
    if (new_) new_.outbound.isLive = true;
    for (const one of connections) service.deliver(asConnection(one));
    for (const one of connections) service.deliver(asConnection(one));
    expect(connections.map(numbersOf)).toEqual([
      [1, 3],
      [1, 3],
    ]);
  });
});

test('a broadcast counts as sent when it is written, and not while it waits for the device', async () => {
  const { connections, sent, counted, read } = node(1);
  read(1);
  while (sent.size < 1) await nextIteration();
  const identity = { userId: 'ben', expiresAt: new Date(), issuedAt: undefined, tokenId: undefined };
  const [frame] = sent.get(connections[0] as object) ?? [];
  const [written, gone] = [0, 1].map(() => {
    const device = new Connection({ identity, deviceId: 'tv', profileId: 'main', now: 0, lifetimeMs: 1 });
    device.transport = { acknowledges: true, write: () => undefined } as never;
    if (frame) device.outbound.addUnordered(frame);
    return device;
  });
  gone?.close();
  gone?.flush();
  expect(counted).toEqual([]);
  written?.flush();
  expect(counted).toEqual(['ben sent']);
  const receipts = { record: () => undefined };
  const acks = new AcknowledgementsService(
    receipts as never,
    {} as never,
    { ACK_TIMEOUT_SECONDS: 5 } as never,
  );
  if (written) acks.acknowledge(written, frame?.ackId ?? 0);
  expect(counted).toEqual(['ben sent', 'ben received']);
});

test('a device to which waiting broadcasts are not written after all gets them again', () => {
  const frames = [3, 5].map((number) => new BroadcastFrame(broadcast(number), 'e1'));
  expect(positionWithout(frames, { epoch: 'e1', number: 5 })).toEqual({ epoch: 'e1', number: 2 });
  expect(positionWithout([], { epoch: 'e1', number: 5 })).toEqual({ epoch: 'e1', number: 5 });
  expect(frames[0]?.ackId).toBeDefined();
});

test('a broadcast that is not acknowledged is sent once more while it is in force, and not when it was withdrawn', () => {
  const [withdrawn, inForce] = [1, 2].map((number) => new BroadcastFrame(broadcast(number), 'e1'));
  const acks = new AckTracker();
  for (const frame of [withdrawn, inForce]) if (frame) acks.track(frame.ackId ?? 0, frame, 0);
  const written: unknown[] = [];
  const transport = { bufferedBytes: 0, write: (frames: unknown[]) => written.push(...frames) };
  const connection = { acks, transport, unacknowledged: 2, resendUnapplied: () => undefined };
  const service = new AcknowledgementsService(
    { record: () => undefined } as never,
    { latest: logOf(2) } as never,
    { ACK_TIMEOUT_SECONDS: 5 } as never,
  );
  service.resendDue(connection as never, 5_000);
  expect(written).toEqual([inForce]);
  expect(acks.size).toBe(1);
});
