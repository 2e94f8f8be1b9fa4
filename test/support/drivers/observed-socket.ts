import type { Socket } from 'socket.io-client';
import { eventually } from '../eventually.js';

export interface ReceivedFrame<Payload> {
  readonly event: string;
  readonly payload: Payload;
}

/** A stock Socket.IO client that records what it receives. */
export interface ObservedSocket<Payload, Reply> {
  readonly socket: Socket;
  /** Every frame that it received, in order. */
  readonly received: readonly ReceivedFrame<Payload>[];
  /** Returns the first matching frame of this name, once it arrived. */
  waitFor(event: string, matching?: (payload: Payload) => boolean): Promise<Payload>;
  /** Sends a command and returns its acknowledgement. */
  request(event: string, payload?: unknown): Promise<Reply>;
  /** Returns the reason of the disconnect, once it happened. */
  disconnected(): Promise<string>;
  close(): void;
}

export interface ObserveOptions<Payload> {
  /** Whether it acknowledges what it receives; true by default. */
  readonly acks?: boolean;
  /** Called with every frame before it is acknowledged. */
  readonly onFrame?: (event: string, payload: Payload) => void;
}

/** Records what the socket receives from now on; `name` is its name in error messages. */
export function observeSocket<Payload, Reply>(
  socket: Socket,
  name: string,
  { acks = true, onFrame }: ObserveOptions<Payload>,
): ObservedSocket<Payload, Reply> {
  const received: ReceivedFrame<Payload>[] = [];
  let disconnectReason: string | undefined;
  socket.onAny((event: string, payload: Payload, ack?: () => void) => {
    received.push({ event, payload });
    onFrame?.(event, payload);
    if (acks) ack?.();
  });
  socket.on('disconnect', (reason) => (disconnectReason = reason));
  return {
    socket,
    received,
    waitFor: (event, matching = () => true) =>
      eventually(
        `${name} receives ${event}`,
        () => received.find((one) => one.event === event && matching(one.payload))?.payload,
      ),
    request: (event, payload) => socket.timeout(10_000).emitWithAck(event, payload) as Promise<Reply>,
    disconnected: () => eventually(`${name} is disconnected`, () => disconnectReason),
    close: () => void socket.disconnect(),
  };
}

/** Resolves at this event. Rejects with the `data` of a connect_error. */
export function untilConnected(socket: Socket, event: 'connect' | 'welcome'): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    socket.on('connect_error', (error: Error & { data?: unknown }) => {
      socket.disconnect();
      reject(Object.assign(new Error(`rejected: ${error.message}`), { data: error.data }));
    });
    socket.once(event, () => resolve());
    socket.once('disconnect', (reason) => reject(new Error(`disconnected before ${event}: ${reason}`)));
  });
}

/** The `data` of a rejected handshake. */
export interface ConnectError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

/** Returns the `data` of a rejected handshake. Fails when the handshake succeeds. */
export async function connectionError(connecting: Promise<unknown>): Promise<ConnectError> {
  const outcome = await connecting.then(
    () => new Error('the handshake succeeded'),
    (error: unknown) => error,
  );
  if (outcome instanceof Error && 'data' in outcome) return outcome.data as ConnectError;
  throw outcome;
}
