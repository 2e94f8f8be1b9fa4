import type { EventFrame, Frame } from './frame.js';

/** Why a device should leave this connection (docs/CONTRACT.md, "From the server"). */
export type GoawayReason = 'drain' | 'recycle' | 'overload' | 'slow' | 'superseded';

/** Frames of the protocol itself; they are not events. */
export type ControlFrame = 'welcome' | 'snapshot' | 'goaway' | 'token.expiring';

/** A way of bytes to one device. Frames reach it in the order in which they were written. */
export interface Transport {
  /** Bytes that were written here and that the network has not taken yet; 0 may mean "less than one socket buffer". */
  readonly bufferedBytes: number;
  /** Bytes that the network has taken since the connection was opened. */
  readonly sentBytes: number;
  /** Whether devices acknowledge events over this transport. */
  readonly acknowledges: boolean;
  /** Encodes a frame ahead of its write, once for all devices: a slice of the write scheduler then has only to write. */
  encode(frame: Frame): void;
  /** Writes the responses, then the events, without waiting; what the network does not take at once is buffered. */
  write(events: readonly EventFrame[], responses?: readonly Frame[]): void;
  /** Writes a frame of the protocol itself; with an `ackId` it asks for an acknowledgement, over transports that have them. */
  emit(frame: ControlFrame, payload: unknown, ackId?: number): void;
  /** Closes the connection after what is buffered; the device knows that the server closed it. */
  disconnect(): void;
  /** Frees the connection at once, whatever is buffered; to the device it looks like a network failure. */
  terminate(): void;
}
