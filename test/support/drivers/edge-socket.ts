import { io } from 'socket.io-client';
import {
  type ObservedSocket,
  type ObserveOptions,
  observeSocket,
  untilConnected,
} from './observed-socket.js';

type Payload = Record<string, unknown>;

/** An edge node with a stock Socket.IO client, which knows only the public contract. */
export type EdgeSocket = ObservedSocket<Payload, Payload>;

export interface EdgeOptions extends ObserveOptions<Payload> {
  readonly edgeId?: string;
  readonly auth?: Payload;
}

/** Connects an edge node. Rejects with the `data` of a connect_error. */
export async function connectEdge(url: string, key: string, options: EdgeOptions = {}): Promise<EdgeSocket> {
  const socket = io(`${url}/edge`, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    auth: { key, edgeId: options.edgeId ?? 'edge-1', ...options.auth },
  });
  const edge = observeSocket<Payload, Payload>(socket, 'the edge node', options);
  await untilConnected(socket, 'connect');
  return edge;
}
