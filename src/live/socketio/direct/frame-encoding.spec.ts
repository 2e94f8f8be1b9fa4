import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import type { Envelope } from '../../../mailbox/events/event.js';
import { EncodedEvent } from '../../../mailbox/events/outgoing-event.js';
import { EventFrame, type Frame, responseFrame } from '../../connection/frame.js';
import { frameBytes, packetText, webSocketText } from './frame-encoding.js';

/** The messages that a real client of ws reads from these bytes of a server. */
async function received(frames: readonly Buffer[]): Promise<{ texts: string[]; binary: boolean }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 1 << 20 });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  server.on('connection', (_, { socket }) => {
    for (const frame of frames) socket.write(frame);
  });
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  try {
    return await new Promise((resolve, reject) => {
      const texts: string[] = [];
      let binary = false;
      client.on('error', reject);
      client.on('close', (code) => reject(new Error(`closed with ${code}`)));
      client.on('message', (data: RawData, isBinary: boolean) => {
        texts.push((data as Buffer).toString('utf8'));
        binary ||= isBinary;
        if (texts.length === frames.length) resolve({ texts, binary });
      });
    });
  } finally {
    client.terminate();
    await new Promise((resolve) => server.close(resolve));
  }
}

const EDGES = [0, 1, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537, 200_000];

describe('a WebSocket text frame', () => {
  test('is read by ws as the text that it was, at every length where its head changes', async () => {
    const texts = EDGES.map((length) => 'x'.repeat(length));
    expect(await received(texts.map((text) => webSocketText('', text)))).toEqual({ texts, binary: false });
  });

  test('is measured in bytes: text of several bytes a character, around the same lengths', async () => {
    const texts = EDGES.flatMap((length) => [
      'é'.repeat(Math.ceil(length / 2)),
      '😀'.repeat(Math.ceil(length / 4)),
      `€${'x'.repeat(Math.max(0, length - 3))}`,
    ]);
    expect(await received(texts.map((text) => webSocketText('', text)))).toEqual({ texts, binary: false });
  });

  test('is read by ws whatever the text is, one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { minLength: 1, maxLength: 20 }),
        async (texts) => {
          expect((await received(texts.map((text) => webSocketText('', text)))).texts).toEqual(texts);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('with half of a surrogate pair is still valid UTF-8, or the device would close the connection', async () => {
    expect((await received([webSocketText('', 'a\ud800b')])).texts).toEqual(['a\ufffdb']);
  });
});

describe('an encoded frame', () => {
  const frameOf = (envelope: Envelope) => new EventFrame(EncodedEvent.of(envelope));
  const routine = {
    id: 'b1c7',
    type: 'playback.progress',
    tier: 'routine',
    key: 'playback:main:show',
    at: '2026-11-20T20:00:00.000Z',
    data: { text: 'één "😀"\n' },
  } as const;
  const durable = { ...routine, tier: 'important', offset: 7, epoch: 'e1' } as const;

  /**
   * Socket.IO's protocol: the type, the ack id if there is one, the arguments as JSON. Stock clients read it in the
   * stories.
   */
  const decoded = (frame: Frame): { type: string; id: number | undefined; data: unknown } => {
    const [, type = '', id, data] = /^(\d)(\d*)(\[[^]*\])$/.exec(packetText(frame)) ?? [];
    return { type, id: id ? Number(id) : undefined, data: JSON.parse(data ?? 'null') as unknown };
  };

  test('is a Socket.IO event of its type with the envelope', () => {
    expect(decoded(frameOf(routine))).toEqual({ type: '2', id: undefined, data: [routine.type, routine] });
  });

  test('asks for an ack if the event is durable, each for its own, and for none if it is routine', () => {
    const [first, second, third] = [frameOf(durable), frameOf(durable), frameOf(routine)];
    expect(decoded(first).id).toBe(first.ackId);
    expect(decoded(second).id).toBe(second.ackId);
    expect(second.ackId).not.toBe(first.ackId);
    expect([third.ackId, decoded(third).id]).toEqual([undefined, undefined]);
  });

  test('is a Socket.IO acknowledgement with the id of the command if it is a response', () => {
    expect(decoded(responseFrame(12, { ok: true }))).toEqual({ type: '3', id: 12, data: [{ ok: true }] });
  });

  test('holds on the wire just what Engine.IO would have written', async () => {
    const frames = [frameOf(durable), frameOf(routine), responseFrame(0, { ok: false })];
    expect((await received(frames.map(frameBytes))).texts).toEqual(
      frames.map((frame) => `4${packetText(frame)}`),
    );
  });

  test('is encoded once, however many devices it is written to', () => {
    const frame = frameOf(durable);
    expect(frameBytes(frame)).toBe(frameBytes(frame));
  });
});
