import { io, type Socket } from 'socket.io-client';
import { eventually } from '../eventually.js';

export interface DeviceOptions {
  readonly token?: string;
  readonly platform?: string;
  readonly position?: { readonly epoch: string; readonly offset: number };
  readonly auth?: Record<string, unknown>;
  /** Whether it acknowledges what it gets; true unless told. */
  readonly acks?: boolean;
  readonly headers?: Record<string, string>;
  readonly transports?: string[];
  /** Told every frame before it is acknowledged. */
  readonly onFrame?: (event: string, payload: Envelope) => void;
}

export interface ReceivedFrame {
  readonly event: string;
  readonly payload: Envelope;
}

/** Any frame from the server, loosely: an envelope, a welcome, a snapshot. */
export interface Envelope {
  readonly id: string;
  readonly type: string;
  readonly tier: string;
  readonly key: string;
  readonly offset: number;
  readonly epoch: string;
  readonly at: string;
  readonly target?: string;
  readonly data: Record<string, unknown>;
  readonly [field: string]: unknown;
}

export interface CommandReply {
  readonly ok: boolean;
  readonly nextSeconds?: number;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly retryable: boolean;
    readonly retryAfterMs?: number;
  };
}

/** A device that speaks only Socket.IO and the contract, with a stock client. */
export interface Device {
  readonly id: string;
  readonly socket: Socket;
  /** Everything it heard, in order. */
  readonly received: readonly ReceivedFrame[];
  /** The envelopes it heard, in order; of one type if given. */
  envelopes(type?: string): Envelope[];
  offsets(): number[];
  /** The first frame of this name, once it came. */
  waitFor(event: string, matching?: (payload: Envelope) => boolean): Promise<Envelope>;
  request(event: string, payload?: unknown): Promise<CommandReply>;
  heartbeat(beat: Record<string, unknown>): Promise<CommandReply>;
  disconnected(): Promise<string>;
  close(): void;
}

const PROTOCOL = new Set(['welcome', 'snapshot', 'goaway', 'token.expiring']);

/** Connects and waits for `welcome`. Rejects with the `data` of a connect_error. */
export async function connectDevice(url: string, deviceId: string, options: DeviceOptions): Promise<Device> {
  const received: ReceivedFrame[] = [];
  let disconnectReason: string | undefined;
  const { position } = options;
  const socket = io(url, {
    transports: options.transports ?? ['websocket'],
    reconnection: false,
    forceNew: true,
    ...(options.headers && { extraHeaders: options.headers }),
    auth: {
      token: options.token,
      deviceId,
      platform: options.platform ?? 'web',
      ...(position && { epoch: position.epoch, offset: String(position.offset) }),
      ...options.auth,
    },
  });
  socket.onAny((event: string, payload: Envelope, ack?: () => void) => {
    received.push({ event, payload });
    options.onFrame?.(event, payload);
    if (options.acks !== false) ack?.();
  });
  socket.on('disconnect', (reason) => (disconnectReason = reason));
  const device: Device = {
    id: deviceId,
    socket,
    received,
    envelopes: (type) =>
      received
        .filter(({ event }) => (type ? event === type : !PROTOCOL.has(event)))
        .map(({ payload }) => payload),
    offsets: () => device.envelopes().flatMap(({ offset }) => (offset === undefined ? [] : [offset])),
    waitFor: (event, matching = () => true) =>
      eventually(
        `${deviceId} hears ${event}`,
        () => received.find((one) => one.event === event && matching(one.payload))?.payload,
      ),
    request: (event, payload) => socket.timeout(10_000).emitWithAck(event, payload) as Promise<CommandReply>,
    heartbeat: (beat) =>
      device.request('playback.heartbeat', {
        showId: 'show',
        positionSeconds: 600,
        durationSeconds: 3_600,
        state: 'playing',
        ...beat,
      }),
    disconnected: () => eventually(`${deviceId} is disconnected`, () => disconnectReason),
    close: () => void socket.disconnect(),
  };
  await new Promise<void>((resolve, reject) => {
    socket.on('connect_error', (error: Error & { data?: unknown }) => {
      socket.disconnect();
      reject(Object.assign(new Error(`refused: ${error.message}`), { data: error.data }));
    });
    socket.once('welcome', () => resolve());
    socket.once('disconnect', (reason) => reject(new Error(`disconnected before welcome: ${reason}`)));
  });
  return device;
}

/** What a refused handshake says. Fails when the device is let in. */
export async function connectionError(
  connecting: Promise<Device>,
): Promise<{ code: string; message: string; retryable: boolean }> {
  const outcome = await connecting.then(
    (device) => device,
    (error: unknown) => error,
  );
  if (outcome instanceof Error && 'data' in outcome)
    return outcome.data as { code: string; message: string; retryable: boolean };
  throw outcome instanceof Error ? outcome : new Error('the device was let in');
}
