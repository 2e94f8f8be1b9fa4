import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import { liveConnection } from '../../../test/support/live-connection.js';
import { noteAt } from '../../../test/support/note.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { AcknowledgementsService } from './acknowledgements.service.js';
import { HOLD_BYTES, HOLD_EVENTS, MAX_WAITING_BYTES } from './backpressure.js';
import { Connection } from './connection.js';
import { EventFrame } from './frame.js';
import { WriteScheduler } from '../delivery/write-scheduler.js';

const event = (offset: number): EventFrame => new EventFrame(EncodedEvent.of(noteAt(offset)));

const acknowledgements = () =>
  new AcknowledgementsService(
    { record: () => undefined } as never,
    { latest: undefined } as never,
    { ACK_TIMEOUT_SECONDS: 5 } as never,
  );

describe('a live connection', () => {
  test('sends an unacknowledged event once more, then gives it up, and accepts one late acknowledgement for each', () => {
    const { connection, transport, writes } = liveConnection();
    const frame = event(1);
    connection.outbound.add(frame);
    connection.flush();
    const { acks } = connection;
    const sentAt = Date.now();
    expect(acks?.resendDue(transport, 1_000, sentAt + 2_000)).toEqual([frame]);
    expect(acks?.resendDue(transport, 1_000, sentAt + 2_500)).toEqual([]);
    expect(acks?.resendDue(transport, 1_000, sentAt + 4_000)).toEqual([]);
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
    const service = acknowledgements();
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

  test('holds the newest routine event of each key during a catch-up and sends them after its history', () => {
    const { connection, transport } = liveConnection();
    const written: string[] = [];
    transport.write = (frames) => void written.push(...frames.map(({ header }) => header.id));
    const routine = (id: string, key = id) => {
      const header = { id, type: 'tip.shown', tier: 'routine', key } as const;
      return new EventFrame(EncodedEvent.fromNode(header, '["tip.shown",{}]'));
    };
    connection.outbound.startCatchUp();
    for (const frame of [routine('old', 'a'), routine('b'), event(2), routine('new', 'a')])
      connection.outbound.add(frame);
    connection.outbound.replay([event(1), routine('past', 'a')]);
    connection.flushDurable();
    expect(written).toEqual(['id-1']);
    connection.outbound.finishCatchUp({ epoch: 'e1', offset: 1 });
    connection.flush();
    expect(written).toEqual(['id-1', 'id-2', 'b', 'new']);
    connection.outbound.startCatchUp();
    for (let n = 0; n < 1_000; n += 1) connection.outbound.add(routine(`${n}`));
    connection.outbound.finishCatchUp({ epoch: 'e1', offset: 2 });
    expect(connection.outbound.takeRoutine().map(({ header }) => Number(header.id))).toEqual(
      Array.from({ length: 256 }, (_, n) => 744 + n),
    );
  });
});

describe('an event that has expired', () => {
  afterEach(() => void jest.restoreAllMocks());

  const AT = Date.parse('2026-11-20T20:00:00.000Z');
  const expiring = (offset: number) =>
    new EventFrame(EncodedEvent.of({ ...noteAt(offset), expiresAt: new Date(AT + 1_000).toISOString() }));

  test('while it was held for a device that catches up is not sent, and the events after it are', () => {
    const { connection, writes } = liveConnection();
    connection.outbound.startCatchUp();
    for (const frame of [expiring(2), event(3)]) connection.outbound.add(frame);
    connection.outbound.finishCatchUp({ epoch: 'e1', offset: 1 });
    jest.spyOn(Date, 'now').mockReturnValue(AT + 1_000);
    connection.flushDurable();
    expect(writes).toEqual([[3]]);
    expect(connection.outbound.position).toEqual({ epoch: 'e1', offset: 3 });
    expect(connection.unacknowledged).toBe(1);
    connection.outbound.add(expiring(4));
    connection.flush();
    connection.outbound.add(event(5));
    connection.flush();
    expect(writes).toEqual([[3], [5]]);
  });

  test('is not sent once more, though it was not acknowledged', () => {
    const { connection, writes } = liveConnection();
    const service = acknowledgements();
    const now = jest.spyOn(Date, 'now').mockReturnValue(AT);
    for (const frame of [expiring(1), event(2)]) connection.outbound.add(frame);
    connection.flush();
    now.mockReturnValue(AT + 1_000);
    service.resendDue(connection, monotonicNow() + 6_000);
    expect(writes).toEqual([[1, 2], [2]]);
  });
});

const schedulers: WriteScheduler[] = [];
afterEach(() => schedulers.splice(0).forEach((one) => one.stop()));

/** A live device that takes nothing until `read` is called: its network, or if it `acknowledges`, the app. */
function slowDevice({ acknowledges = false } = {}) {
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
    acknowledges,
    encode: () => undefined,
    write(events: readonly EventFrame[]) {
      for (const { header, body } of events) {
        written.push(header.offset);
        if (!acknowledges) transport.bufferedBytes += body.length;
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
    const frame = new EventFrame(EncodedEvent.of(envelope));
    connection.outbound.add(frame);
    scheduler.writeNow(connection);
    return frame;
  };
  const read = (frames: readonly EventFrame[] = []) => {
    for (const { ackId } of frames) connection.acks?.acknowledge(ackId ?? 0);
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

  test('is not terminated for 2,000 events that it has not acknowledged: what follows waits until it has', () => {
    const device = slowDevice({ acknowledges: true });
    const frames = Array.from({ length: HOLD_EVENTS + 3 }, () => device.publish(10));
    expect(device.isStuck()).toBe(false);
    expect(device.written).toHaveLength(HOLD_EVENTS + 1);
    device.read(frames.slice(0, 1));
    expect(device.written).toHaveLength(HOLD_EVENTS + 3);
    device.publish(MAX_WAITING_BYTES + 1);
    expect(device.isStuck()).toBe(true);
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
