import { expect, test } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { liveConnection } from '../../../test/support/live-connection.js';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import type { Position } from '../../mailbox/position.js';
import { Connection } from '../connection/connection.js';
import { EventFrame } from '../connection/frame.js';
import { CatchUpService } from './catch-up.service.js';

const EPOCH = 'e1';
const header = (offset: number) => ({
  id: `${offset}`,
  type: 'note',
  tier: 'important' as const,
  key: `${offset}`,
  epoch: EPOCH,
  offset,
});

test('a history that a device asks for does not come after events that still wait to be written, which it has as well', async () => {
  const identity = { userId: 'ann', expiresAt: new Date(), issuedAt: undefined, tokenId: undefined };
  const connection = new Connection({
    identity,
    deviceId: 'tv',
    profileId: 'main',
    now: 0,
    lifetimeMs: 1_000,
  });
  connection.transport = { emit: () => undefined } as never;
  connection.outbound.finishCatchUp({ epoch: EPOCH, offset: 7 });
  for (const offset of [8, 9])
    connection.outbound.add(new EventFrame(EncodedEvent.fromNode(header(offset), '["note",{}]')));
  expect(connection.outbound.hasDurable).toBe(true);
  const waiting: boolean[] = [];
  const catchUp = new CatchUpService(
    {
      read: () =>
        Promise.resolve({ history: { resume: 'replay', head: { epoch: EPOCH, offset: 9 }, missed: [] } }),
    } as never,
    {
      welcome: () => undefined,
      send: ({ outbound }: Connection) => {
        waiting.push(outbound.hasDurable);
        return Promise.resolve({ history: 1, broadcasts: 0 });
      },
    } as never,
    {} as never,
    {} as never,
  );
  await catchUp.handle(connection, { epoch: EPOCH, offset: 5 });
  expect(waiting).toEqual([false]);
});

test('a gap that cannot be read while PostgreSQL is away is filled when it is back, and the device stays connected', async () => {
  const { connection, transport } = liveConnection();
  let isTerminated = false;
  transport.terminate = () => (isTerminated = true);
  const delivery = {
    catchUp: ({ outbound }: Connection, missed: readonly EventFrame[], head: Position) => {
      outbound.replay(missed);
      outbound.finishCatchUp(head);
    },
  };
  let attempts = 0;
  const read = () => {
    attempts += 1;
    if (attempts === 1) return Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    return Promise.resolve({ history: { resume: 'replay', head: { epoch: EPOCH, offset: 1 }, missed: [] } });
  };
  const send = (one: Connection, { head }: { head: Position }) => {
    delivery.catchUp(one, [new EventFrame(EncodedEvent.fromNode(header(1), '["note",{}]'))], head);
    return Promise.resolve({ history: 1, broadcasts: 0 });
  };
  const disconnects = { terminate: () => transport.terminate() };
  const catchUp = new CatchUpService(
    { read } as never,
    { send } as never,
    delivery as never,
    disconnects as never,
  );
  connection.outbound.add(new EventFrame(EncodedEvent.fromNode(header(2), '["note",{}]')));
  await catchUp.fillGap(connection);
  expect([connection.outbound.isLive, connection.outbound.hasGap, isTerminated]).toEqual([true, true, false]);
  await eventually('the gap is filled', () => !connection.outbound.hasGap);
  expect(connection.outbound.takeDurable().map((frame) => frame.header.offset)).toEqual([1, 2]);
  catchUp.onApplicationShutdown();
});
