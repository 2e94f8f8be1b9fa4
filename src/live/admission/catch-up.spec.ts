import { expect, test } from '@jest/globals';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
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
