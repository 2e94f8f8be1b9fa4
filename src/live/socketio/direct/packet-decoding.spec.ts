import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodePacket } from './packet-decoding.js';

type StockPacket = { type: number; nsp: string; id?: number | undefined; data?: unknown };
/** As Socket.IO loads it. */
const { Decoder, Encoder, PacketType } = createRequire(createRequire(import.meta.url).resolve('socket.io'))(
  'socket.io-parser',
) as {
  Decoder: new () => {
    on(event: 'decoded', take: (packet: StockPacket) => void): void;
    add(text: string): void;
  };
  Encoder: new () => { encode(packet: StockPacket): unknown[] };
  PacketType: { EVENT: number; ACK: number };
};

/** What Socket.IO makes of the text; undefined when it refuses it, or waits for attachments. */
function decodedByStock(text: string): StockPacket | undefined {
  const decoder = new Decoder();
  let packet: StockPacket | undefined;
  decoder.on('decoded', (decoded: StockPacket) => (packet = decoded));
  try {
    decoder.add(text);
  } catch {
    return undefined;
  }
  return packet;
}

const encoded = (packet: StockPacket): string => new Encoder().encode(packet)[0] as string;

describe('a packet of a device', () => {
  test('is read as Socket.IO reads it: events with and without an id, acknowledgements with and without arguments', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(PacketType.EVENT, PacketType.ACK),
        fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { nil: undefined }),
        fc.array(fc.jsonValue(), { maxLength: 3 }),
        fc.string({ minLength: 1 }),
        (type, id, args, name) => {
          const data = type === PacketType.EVENT ? [name, ...args] : args;
          const text = encoded({ type, nsp: '/', id: type === PacketType.ACK ? (id ?? 0) : id, data });
          const ours = decodePacket(text);
          // What is not read here is read by Socket.IO.
          if (ours === undefined) return;
          const stock = decodedByStock(text);
          const stockData: unknown = ours.kind === 'event' ? stock?.data : undefined;
          expect([type, ours.id, ours.kind === 'event' ? ours.data : undefined]).toEqual([
            stock?.type,
            stock?.id,
            stockData,
          ]);
        },
      ),
    );
  });

  test.each([
    ['2["receipt",{"id":"a"}]', { kind: 'event', id: undefined, data: ['receipt', { id: 'a' }] }],
    ['20["sync",{}]', { kind: 'event', id: 0, data: ['sync', {}] }],
    ['212["sync"]', { kind: 'event', id: 12, data: ['sync'] }],
    ['37[]', { kind: 'ack', id: 7 }],
    ['3123[{"ok":true}]', { kind: 'ack', id: 123 }],
  ])('%s is not left to Socket.IO', (text, packet) => {
    expect(decodePacket(text)).toEqual(packet);
  });

  test.each([
    '',
    '2',
    '3[]',
    '2[]',
    '2[1]',
    '2["connect"]',
    '2["disconnecting",{}]',
    '2["newListener"]',
    '2{"0":"sync"}',
    '2["sync"',
    '2["sync"]x',
    '3[1',
    '31[',
    '2-1["sync"]',
    '21.5["sync"]',
    '2 ["sync"]',
    `2${'9'.repeat(16)}["sync"]`,
    '2/edge,["sync"]',
    '51-["sync",{"_placeholder":true,"num":0}]',
    '0{"token":"x"}',
    '1',
  ])('%s is left to Socket.IO', (text) => {
    expect(decodePacket(text)).toBeUndefined();
  });

  test('is never read when Socket.IO refuses it', () => {
    const almost = fc
      .array(fc.constantFrom('2', '3', '[', ']', '"', 'a', ',', '/', '{', '}', '1', ' ', '-'), {
        maxLength: 12,
      })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(almost, (text) => {
        expect(decodePacket(text) === undefined || decodedByStock(text) !== undefined).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
