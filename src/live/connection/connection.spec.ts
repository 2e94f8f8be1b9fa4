import { describe, expect, test } from '@jest/globals';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import { Connection } from './connection.js';
import { EventFrame } from './frame.js';
import type { Transport } from './transport.js';

const NOW = 1_000_000;

/** A connection that has caught up with offset 0, and the offsets of each write to it. */
function liveConnection(): {
  connection: Connection;
  transport: Transport;
  writes: (number | undefined)[][];
} {
  const identity = { userId: 'ann', expiresAt: new Date(NOW), issuedAt: undefined, tokenId: undefined };
  const connection = new Connection({
    identity,
    deviceId: 'ann-tv',
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

const event = (offset: number): EventFrame =>
  new EventFrame(
    EncodedEvent.of({
      id: `id-${offset}`,
      type: 'note.one',
      tier: 'important',
      key: `note:${offset}`,
      epoch: 'e1',
      offset,
      at: '2026-11-20T20:00:00.000Z',
      data: {},
    }),
  );

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
