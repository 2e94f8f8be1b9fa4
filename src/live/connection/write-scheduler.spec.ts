import { afterEach, describe, expect, test } from '@jest/globals';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import { HOLD_BYTES, MAX_WAITING_BYTES } from './backpressure.js';
import { Connection } from './connection.js';
import { EventFrame } from './frame.js';
import { WriteScheduler } from './write-scheduler.js';

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
