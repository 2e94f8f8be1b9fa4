import type { Frame, Packet } from './frame.js';

/** Why a device is asked to come back elsewhere. */
export type GoawayReason = 'drain' | 'recycle' | 'overload' | 'slow' | 'superseded';

/** Frames of the protocol itself. */
export type ControlFrame = 'welcome' | 'snapshot' | 'goaway' | 'token.expiring';

/** Called when the device acknowledged, with its socket as `this`: one function an event, not one a device. */
export type OnAck = (this: { readonly data: unknown }) => void;

/** The device's end of the line, which a connection writes to. */
export interface Transport {
  /** Bytes that the network did not take yet, and those that it took so far. */
  readonly bufferedBytes: number;
  readonly sentBytes: number;
  /** False when the line knows no acks. */
  expectAck(id: number, onAck: OnAck): boolean;
  forgetAck(id: number): void;
  write(frames: readonly Frame[], answers?: readonly Packet[]): void;
  emit(frame: ControlFrame, payload: unknown): void;
  disconnect(): void;
  terminate(): void;
}

/** A durable frame, with what happens on its ack. */
export interface OutboundFrame {
  readonly frame: Frame;
  readonly onAck: OnAck | undefined;
}
