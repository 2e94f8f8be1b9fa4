import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import type { Envelope } from '../../mailbox/events/event.js';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import { eventFrame, webSocketText } from './frame.js';

/** What ws's own receiver, in a real client, makes of bytes that a server wrote. */
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

describe('the frame of an event', () => {
  const frameOf = (envelope: Envelope) => eventFrame(EncodedEvent.of(envelope));
  const routine = {
    id: 'b1c7',
    type: 'playback.progress',
    tier: 'routine',
    key: 'playback:main:show',
    at: '2026-11-20T20:00:00.000Z',
    data: { text: 'één "😀"\n' },
  } as const;
  const durable = { ...routine, tier: 'important', offset: 7, epoch: 'e1' } as const;

  /** Socket.IO's protocol: `2`, the ack id if one is asked for, the arguments as JSON. Stock clients read it in the stories. */
  const decoded = (packet: string): { id: number | undefined; data: unknown } => {
    const [, id, data] = /^2(\d*)(\[[^]*\])$/.exec(packet) ?? [];
    return { id: id ? Number(id) : undefined, data: JSON.parse(data ?? 'null') as unknown };
  };

  test('is a Socket.IO event of its type with the envelope', () => {
    expect(decoded(frameOf(routine).packet)).toEqual({ id: undefined, data: [routine.type, routine] });
  });

  test('asks for an ack if the event is durable, each for its own, and for none if it is routine', () => {
    const [first, second, third] = [frameOf(durable), frameOf(durable), frameOf(routine)];
    expect(decoded(first.packet).id).toBe(first.ackId);
    expect(decoded(second.packet).id).toBe(second.ackId);
    expect(second.ackId).not.toBe(first.ackId);
    expect([third.ackId, decoded(third.packet).id]).toEqual([undefined, undefined]);
  });

  test('holds on the wire just what Engine.IO would have written', async () => {
    const frame = frameOf(durable);
    expect((await received([frame.bytes])).texts).toEqual([`4${frame.packet}`]);
  });
});
