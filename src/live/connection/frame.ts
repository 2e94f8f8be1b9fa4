import type { EncodedEvent, EventHeader } from '../../mailbox/events/outgoing-event.js';

/** What is written to a device, as data; each transport encodes it in its own way. */
export interface Frame {
  /** `event`: published for the user. `response`: the acknowledgement of a command that the device sent. */
  readonly kind: 'event' | 'response';
  /**
   * Of an event: the id that the device's acknowledgement will carry, if it asks for one. Of a response: the command's
   * id.
   */
  readonly ackId: number | undefined;
  /** A JSON array: `["type",{…}]` of an event, `[{…}]` of a response. */
  readonly body: string;
  /** Kept here by the first transport that encodes the frame, so that an event is encoded once, not once per device. */
  encoded: Buffer | undefined;
}

/** Numbers the events of this process that ask for an acknowledgement. */
let lastAckId = 0;

/** Returns the id of an acknowledgement that no other frame of this process asks for. */
export const nextAckId = (): number => (lastAckId += 1);

/** The device that a frame is written to. */
export interface FrameReader {
  readonly userId: string;
}

/** Measures how events get to devices. Its methods are called for each device, and must not throw. */
export interface FrameObserver {
  /** The event is written to a device: now, and not when it was queued for it. */
  written(frame: EventFrame, reader: FrameReader): void;
  /** A device has acknowledged it. */
  acknowledged(frame: EventFrame, reader: FrameReader): void;
}

/** How far an event that is traced has come on this node; times are in ms since 1970. */
export interface FrameTrace {
  context: string;
  readonly cameAt: number;
  writtenAt: number | undefined;
}

/** An event for the devices of this node, made once for all of them. A durable one asks for an acknowledgement. */
export class EventFrame implements Frame {
  readonly kind = 'event';
  readonly header: EventHeader;
  readonly ackId: number | undefined;
  readonly body: string;
  encoded: Buffer | undefined = undefined;
  /** When it was published, in ms since 1970; NaN when that is not known. */
  readonly publishedAt: number;
  /** When it is no longer to be sent, in ms since 1970. */
  private readonly expiresAt: number;

  /** Of an event that is traced: the context of the step before, and once it was written that of the write. */
  trace: FrameTrace | undefined;

  /** `observer`: of an event that was just published. What a device catches up on is not measured: its age says nothing. */
  constructor(
    { header, body }: EncodedEvent,
    public observer?: FrameObserver,
    trace?: string,
  ) {
    this.header = header;
    this.trace =
      trace === undefined ? undefined : { context: trace, cameAt: Date.now(), writtenAt: undefined };
    this.publishedAt = observer ? Date.parse(header.at ?? '') : NaN;
    this.expiresAt = header.expiresAt === undefined ? Infinity : Date.parse(header.expiresAt);
    this.ackId = header.offset === undefined && header.broadcast === undefined ? undefined : nextAckId();
    this.body = body;
  }

  /** Whether it has expired at `now` (ms since 1970): a durable event is then not sent, nor sent again. */
  isExpired(now: number): boolean {
    return this.expiresAt <= now;
  }
}

/** The acknowledgement of the command that the device sent with `ackId`. Throws if `result` cannot be written as JSON. */
export function responseFrame(ackId: number, result: unknown): Frame {
  return { kind: 'response', ackId, body: `[${JSON.stringify(result)}]`, encoded: undefined };
}

/** The header of an event that has an offset in the mailbox. */
export type DurableHeader = EventHeader & { readonly offset: number; readonly epoch: string };

/** Whether the event is in the mailbox: such events are acknowledged and have receipts. */
export const isDurableHeader = (header: EventHeader): header is DurableHeader => header.offset !== undefined;
