import { Connection } from '../../src/live/connection/connection.js';
import type { Transport } from '../../src/live/connection/transport.js';

const NOW = 1_000_000;

/** A connection that has caught up with offset 0, and the offsets of each write to it. */
export function liveConnection(deviceId = 'ann-tv'): {
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
