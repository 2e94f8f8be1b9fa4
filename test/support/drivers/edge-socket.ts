import { io, type Socket } from 'socket.io-client';
import { eventually } from '../eventually.js';

export interface EdgeHeard {
  readonly event: string;
  readonly payload: Record<string, unknown>;
}

/** An edge node that speaks only Socket.IO and the contract, with a stock client. */
export interface EdgeSocket {
  readonly socket: Socket;
  readonly received: readonly EdgeHeard[];
  waitFor(
    event: string,
    matching?: (payload: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>>;
  request(event: string, payload?: unknown): Promise<Record<string, unknown>>;
  disconnected(): Promise<string>;
  close(): void;
}

export interface EdgeOptions {
  readonly edgeId?: string;
  /** Whether it acknowledges what it gets; true unless told. */
  readonly acks?: boolean;
  readonly auth?: Record<string, unknown>;
}

/** Rejects with the `data` of a connect_error. */
export async function connectEdge(url: string, key: string, options: EdgeOptions = {}): Promise<EdgeSocket> {
  const received: EdgeHeard[] = [];
  let disconnectReason: string | undefined;
  const socket = io(`${url}/edge`, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    auth: { key, edgeId: options.edgeId ?? 'edge-1', ...options.auth },
  });
  socket.onAny((event: string, payload: Record<string, unknown>, ack?: () => void) => {
    received.push({ event, payload });
    if (options.acks !== false) ack?.();
  });
  socket.on('disconnect', (reason) => (disconnectReason = reason));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', (error: Error & { data?: unknown }) => {
      socket.disconnect();
      reject(Object.assign(new Error(`refused: ${error.message}`), { data: error.data }));
    });
  });
  return {
    socket,
    received,
    waitFor: (event, matching = () => true) =>
      eventually(
        `the edge node hears ${event}`,
        () => received.find((one) => one.event === event && matching(one.payload))?.payload,
      ),
    request: (event, payload) =>
      socket.timeout(10_000).emitWithAck(event, payload) as Promise<Record<string, unknown>>,
    disconnected: () => eventually('the edge node is disconnected', () => disconnectReason),
    close: () => void socket.disconnect(),
  };
}

/** What a refused edge node is told. Fails when it is let in. */
export async function edgeConnectionError(connecting: Promise<EdgeSocket>): Promise<Record<string, unknown>> {
  const outcome = await connecting.then(
    (edge) => edge,
    (error: unknown) => error,
  );
  if (outcome instanceof Error && 'data' in outcome) return outcome.data as Record<string, unknown>;
  throw new Error('the edge node was let in');
}
