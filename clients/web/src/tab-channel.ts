import type { DeviceUpdate } from './device-update.js';
import type { Envelope } from './envelope.js';
import { UsherError } from './errors.js';
import type { Beat } from './heartbeat.js';
import type { Receipt } from './receipt.js';
import type { State } from './state.js';

/** A call that the tab with the connection carries out for another one. */
export type TabCall =
  | { readonly method: 'beat'; readonly argument: Beat }
  | { readonly method: 'receipt'; readonly argument: Receipt }
  | { readonly method: 'updateDevice'; readonly argument: DeviceUpdate };

/** An error as it is sent between tabs. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

/** What the tab with the connection knows. */
interface StateMessage {
  readonly kind: 'state';
  readonly state: State;
  /** What to add to the local time to get the server's. */
  readonly clockOffsetMs: number;
  /** Seconds between two heartbeats, as the latest welcome says. */
  readonly heartbeatSeconds: number;
}

/** What tabs say to each other. All but `hello` and `call` come from the tab that has the connection. */
export type TabMessage =
  /** A tab was opened: tell it the state. */
  | { readonly kind: 'hello' }
  /** This tab has the connection now: send it your calls. */
  | { readonly kind: 'leading' }
  | StateMessage
  | { readonly kind: 'event'; readonly event: Envelope }
  | { readonly kind: 'offline' | 'refused'; readonly error: PlainError }
  | { readonly kind: 'call'; readonly id: string; readonly call: TabCall }
  | { readonly kind: 'returned'; readonly id: string; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: string; readonly error: PlainError };

export function toPlainError({ code, message, retryable, retryAfterMs }: UsherError): PlainError {
  return { code, message, retryable, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

export function fromPlainError({ code, message, retryable, retryAfterMs }: PlainError): UsherError {
  return new UsherError(code, message, retryable, retryAfterMs);
}

/** Messages of another version of this package are not understood, so it has a channel and a lock of its own. */
const VERSION = 'usher-tabs-1';

/** Returns the name of the lock and the channel of one server, user and device. */
export function getTabsName(url: string, userId: string, deviceId: string): string {
  return [VERSION, url, userId, deviceId].map(encodeURIComponent).join(':');
}
