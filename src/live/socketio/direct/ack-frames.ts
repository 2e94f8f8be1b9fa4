/*
 * Acknowledgements as they come from the network: `43<id>[]`, in a final, masked text frame (RFC 6455, section 5.2). A node reads one for each
 * delivery, and this without an object or a string for any of them.
 */

/** The first byte of a final text frame without extensions. */
const FINAL_TEXT = 0x81;
/** Of the second byte: that the frame is masked. The rest of it is the length of what follows. */
const MASKED = 0x80;
/** Two bytes, and four of the mask. */
const HEAD_BYTES = 6;
const [MESSAGE, ACK, ZERO, OPEN, CLOSE] = Buffer.from('430[]') as unknown as [
  number,
  number,
  number,
  number,
  number,
];
/** `43` before the id, `[]` behind it. */
const AROUND_ID = 2;
/** An id is a safe integer. */
const MAX_ID_DIGITS = 15;

/** What `ackIdAt` returns for anything but a whole acknowledgement. */
export const NO_ACK = -1;

/** Returns the id of the acknowledgement whose frame begins at `at`. */
export function ackIdAt(bytes: Uint8Array, at: number): number {
  const length = (bytes[at + 1] ?? 0) - MASKED;
  const digits = length - 2 * AROUND_ID;
  if (bytes[at] !== FINAL_TEXT || digits < 1 || digits > MAX_ID_DIGITS) return NO_ACK;
  if (at + HEAD_BYTES + length > bytes.length) return NO_ACK;
  if (byteAt(bytes, at, 0) !== MESSAGE || byteAt(bytes, at, 1) !== ACK) return NO_ACK;
  if (byteAt(bytes, at, length - 2) !== OPEN || byteAt(bytes, at, length - 1) !== CLOSE) return NO_ACK;
  return numberAt(bytes, at, digits);
}

/** The bytes of the acknowledgement's frame that begins at `at`. */
export const ackFrameLength = (bytes: Uint8Array, at: number): number =>
  HEAD_BYTES + (bytes[at + 1] ?? 0) - MASKED;

function numberAt(bytes: Uint8Array, at: number, digits: number): number {
  let id = 0;
  for (let index = AROUND_ID; index < AROUND_ID + digits; index += 1) {
    const digit = byteAt(bytes, at, index) - ZERO;
    if (digit < 0 || digit > 9) return NO_ACK;
    id = 10 * id + digit;
  }
  return id;
}

/** A byte of the payload, without the mask. */
const byteAt = (bytes: Uint8Array, at: number, index: number): number =>
  (bytes[at + HEAD_BYTES + index] ?? 0) ^ (bytes[at + 2 + (index & 3)] ?? 0);
