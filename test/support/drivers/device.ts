import { io } from 'socket.io-client';
import {
  type ConnectError,
  type ObservedSocket,
  type ObserveOptions,
  observeSocket,
  untilConnected,
} from './observed-socket.js';

export interface DeviceOptions extends ObserveOptions<Envelope> {
  readonly token?: string;
  readonly platform?: string;
  readonly position?: { readonly epoch: string; readonly offset: number };
  readonly auth?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  readonly transports?: string[];
}

/** The payload of any frame from the server: an event's envelope, a welcome, a snapshot. */
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

/** The acknowledgement of a command. */
export interface CommandReply {
  readonly ok: boolean;
  readonly nextSeconds?: number;
  readonly error?: ConnectError;
}

/** A device with a stock Socket.IO client, which knows only the public contract. */
export interface Device extends ObservedSocket<Envelope, CommandReply> {
  readonly id: string;
  /** Returns the received events in order; of one type if given. */
  envelopes(type?: string): Envelope[];
  /** Returns the offsets of the received durable events, in order. */
  offsets(): number[];
  /** Sends a heartbeat of a playing show, with the given changes. */
  heartbeat(changes: Record<string, unknown>): Promise<CommandReply>;
}

const PROTOCOL = new Set(['welcome', 'snapshot', 'goaway', 'token.expiring']);

/** Connects a device and returns it after `welcome`. Rejects with the `data` of a connect_error. */
export async function connectDevice(url: string, deviceId: string, options: DeviceOptions): Promise<Device> {
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
  const observed = observeSocket<Envelope, CommandReply>(socket, deviceId, options);
  await untilConnected(socket, 'welcome');
  const envelopes = (type?: string) =>
    observed.received
      .filter(({ event }) => (type ? event === type : !PROTOCOL.has(event)))
      .map(({ payload }) => payload);
  return {
    ...observed,
    id: deviceId,
    envelopes,
    offsets: () => envelopes().flatMap(({ offset }) => (offset === undefined ? [] : [offset])),
    heartbeat: (changes) =>
      observed.request('playback.heartbeat', {
        showId: 'show',
        positionSeconds: 600,
        durationSeconds: 3_600,
        state: 'playing',
        ...changes,
      }),
  };
}
