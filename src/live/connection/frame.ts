import type { EncodedEvent, EventHeader } from '../../mailbox/events/outgoing-event.js';

/** A Socket.IO packet, ready to be written. */
export interface Packet {
  /** Without Engine.IO's own prefix: `2["type",{…}]`, with an ack id before the bracket if durable. */
  readonly packet: string;
  /** The whole WebSocket frame. */
  readonly bytes: Buffer;
}

/** One event as Socket.IO text, made once for all devices of this node that hear it. */
export interface Frame extends Packet {
  readonly heading: EventHeader;
  /** `["type",{…}]` */
  readonly body: string;
  /** The id that the device's acknowledgement carries. The same on every socket, since each has its own table of them. */
  readonly ackId: number | undefined;
}

const EVENT = '2';
const ACK = '3';
const MESSAGE = '4';

/** Acks are numbered by the process; Socket.IO's own numbers per namespace are unused, since nobody else asks for acks. */
let lastAckId = 0;

/** Durable events ask for an ack: it is the receipt `received`. */
export function eventFrame({ header: heading, body }: EncodedEvent): Frame {
  return new EventFrame(heading, body, heading.offset === undefined ? undefined : (lastAckId += 1));
}

class EventFrame implements Frame {
  readonly bytes: Buffer;

  constructor(
    readonly heading: EventHeader,
    readonly body: string,
    readonly ackId: number | undefined,
  ) {
    this.bytes = webSocketText(`${MESSAGE}${EVENT}${ackId ?? ''}`, body);
  }

  /** Only for a line that cannot take the bytes as they are. */
  get packet(): string {
    return `${EVENT}${this.ackId ?? ''}${this.body}`;
  }
}

/** The answer to what a device asked with the ack id. */
export function ackPacket(ackId: number, answer: unknown): Packet {
  const packet = `${ACK}${ackId}[${JSON.stringify(answer)}]`;
  return { packet, bytes: webSocketText(MESSAGE, packet) };
}

/** A frame of the protocol itself, which asks for no ack. */
export function protocolPacket(event: string, payload: unknown): Packet {
  const packet = `${EVENT}${JSON.stringify([event, payload])}`;
  return { packet, bytes: webSocketText(MESSAGE, packet) };
}

/** The heading of an event that has a place in the mailbox. */
export type DurableHeader = EventHeader & { readonly offset: number; readonly epoch: string };

export const isDurableHeader = (heading: EventHeader): heading is DurableHeader =>
  heading.offset !== undefined;

/** An unmasked, final text frame (RFC 6455, section 5.2), as servers send them. `prefix` is ASCII. */
export function webSocketText(prefix: string, text: string): Buffer {
  const length = prefix.length + Buffer.byteLength(text);
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = 0x81;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(prefix, head, 'latin1');
  frame.write(text, head + prefix.length, 'utf8');
  return frame;
}
