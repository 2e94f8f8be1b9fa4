import { type RawData, WebSocket } from 'ws';
import { eventually } from '../eventually.js';

/** A bare WebSocket to the device socket, for Engine.IO packets that a real client would never send. */
export interface RawSocket {
  readonly received: readonly string[];
  send(data: string | Uint8Array): void;
  /** Sends a WebSocket ping frame. */
  ping(): void;
  /** Stops reading, while it can still send. */
  stopReading(): void;
  /** Returns the first packet that matches, once it arrived. */
  waitFor(pattern: RegExp): Promise<string>;
  /** Returns the close code, once it is closed. */
  closed(deadlineMs?: number): Promise<number>;
  readonly isOpen: boolean;
  terminate(): void;
}

/** Opens a raw socket. Rejects with the HTTP `status` when the upgrade is refused. */
export async function openRawSocket(
  url: string,
  { origin, query = '' }: { origin?: string; query?: string } = {},
): Promise<RawSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket${query}`, {
    ...(origin !== undefined && { headers: { origin } }),
  });
  const received: string[] = [];
  let code: number | undefined;
  socket.on('message', (data: RawData) => received.push((data as Buffer).toString('utf8')));
  socket.on('close', (closeCode) => (code = closeCode));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('unexpected-response', (request, response) => {
      reject(
        Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }),
      );
      request.destroy();
    });
    socket.on('error', reject);
  });
  return {
    received,
    send: (data) => socket.send(data, () => undefined),
    ping: () => socket.ping(undefined, undefined, () => undefined),
    stopReading: () => socket.pause(),
    waitFor: (pattern) =>
      eventually(`a packet like ${pattern}`, () => received.find((text) => pattern.test(text))),
    closed: async (deadlineMs) =>
      (
        await eventually(
          'the socket is closed',
          () => (code === undefined ? undefined : { code }),
          deadlineMs,
        )
      ).code,
    get isOpen() {
      return socket.readyState === WebSocket.OPEN;
    },
    terminate: () => socket.terminate(),
  };
}

/** Opens a raw socket and completes the handshake as this device, which resumes from `position` if it has one. */
export async function openRawDevice(
  url: string,
  token: string,
  deviceId: string,
  position?: { readonly epoch: string; readonly offset: number },
): Promise<RawSocket> {
  const socket = await openRawSocket(url);
  socket.send(`40${JSON.stringify({ token, deviceId, platform: 'web', ...position })}`);
  await socket.waitFor(/^42\["welcome"/);
  return socket;
}
