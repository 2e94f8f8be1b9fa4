/* WebSocket frames as a client writes and reads them (RFC 6455). Only what Socket.IO servers send: short, final, text. */

/** Not zero: `ws` skips the unmasking of a zero mask, and real clients do not spare the server that work. */
const MASK = [0x5a, 0xc3, 0x96, 0x3c];
const MASK_WORD = 0x3c96c35a; // the same four, little-endian
const TEXT = 1;
const CLOSE = 8;

/** A final text frame, masked. */
export function maskedText(text) {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = 0x81;
  if (head === 6) frame[1] = 0x80 | length;
  else if (head === 8) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  for (let i = 0; i < 4; i += 1) frame[head - 4 + i] = MASK[i];
  frame.write(text, head);
  mask(frame, head);
  return frame;
}

function mask(frame, from) {
  const words = from + ((frame.length - from) & ~3);
  let at = from;
  for (; at < words; at += 4) frame.writeInt32LE(frame.readInt32LE(at) ^ MASK_WORD, at);
  for (let i = 0; at < frame.length; at += 1, i += 1) frame[at] ^= MASK[i];
}

/** Cuts a stream into text frames: `onText(buffer, start, end)`. The buffer is only valid during the call. */
export class FrameReader {
  rest = null;

  constructor(onText, onClose) {
    this.onText = onText;
    this.onClose = onClose;
  }

  /** `chunk` may be reused by the caller afterwards. */
  push(chunk) {
    const data = this.rest === null ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    for (;;) {
      const frame = frameAt(data, at);
      if (frame === null) break;
      if (frame.opcode === TEXT) this.onText(data, frame.start, frame.end);
      else if (frame.opcode === CLOSE) this.onClose();
      at = frame.end;
    }
    this.rest = at === data.length ? null : Buffer.from(data.subarray(at));
  }
}

// One object for all: it is read at once, and a million of them would be garbage.
const found = { opcode: 0, start: 0, end: 0 };

function frameAt(data, at) {
  const left = data.length - at;
  if (left < 2) return null;
  let length = data[at + 1] & 0x7f;
  let head = 2;
  if (length === 126) {
    if (left < 4) return null;
    length = data.readUInt16BE(at + 2);
    head = 4;
  } else if (length === 127) {
    if (left < 10) return null;
    length = Number(data.readBigUInt64BE(at + 2));
    head = 10;
  }
  if (left < head + length) return null;
  found.opcode = data[at] & 0x0f;
  found.start = at + head;
  found.end = at + head + length;
  return found;
}
