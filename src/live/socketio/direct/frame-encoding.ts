import type { Frame } from '../../connection/frame.js';

/** The first character of a message of Engine.IO, and the types of Socket.IO's packets: the first character in it. */
const ENGINE_MESSAGE = '4';
/** An event. */
const PACKET_EVENT = '2';
/** An acknowledgement. */
const PACKET_ACK = '3';

const prefixOf = ({ kind, ackId }: Frame): string =>
  `${kind === 'event' ? PACKET_EVENT : PACKET_ACK}${ackId ?? ''}`;

/** The frame as a Socket.IO packet, for Engine.IO to send: the type, the ack id if there is one, the JSON array. */
export const packetText = (frame: Frame): string => prefixOf(frame) + frame.body;

/** The frame as a whole WebSocket frame with the bytes that Engine.IO would write, made once. */
export const frameBytes = (frame: Frame): Buffer =>
  (frame.encoded ??= webSocketText(ENGINE_MESSAGE + prefixOf(frame), frame.body));

/** An unmasked, final text frame (RFC 6455, section 5.2), as servers send them. `prefix` must be ASCII. */
export function webSocketText(prefix: string, text: string): Buffer {
  const length = prefix.length + Buffer.byteLength(text);
  const headLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headLength + length);
  frame[0] = 0x81;
  if (headLength === 2) frame[1] = length;
  else if (headLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(prefix, headLength, 'latin1');
  frame.write(text, headLength + prefix.length, 'utf8');
  return frame;
}
