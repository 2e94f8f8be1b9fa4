/** What a device sends when it is connected: an event with its arguments, or the acknowledgement of one. */
export type DevicePacket =
  | { readonly kind: 'event'; readonly id: number | undefined; readonly data: readonly unknown[] }
  | { readonly kind: 'ack'; readonly id: number };

const EVENT = '2'.charCodeAt(0);
const ACK = '3'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
const PAYLOAD = '[';
/** What most acknowledgements carry: nothing. */
const EMPTY_PAYLOAD = '[]';
/** An id is a safe integer. */
const MAX_ID_DIGITS = 15;
/** Events that a peer of Socket.IO must not send: their names are used inside of it. */
const RESERVED_NAMES = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
]);

/**
 * Decodes a Socket.IO packet of the default namespace: `2[…]`, `212[…]` or `312[…]`. Returns undefined for everything else, valid or not, which is
 * left to Socket.IO.
 */
export function decodePacket(text: string): DevicePacket | undefined {
  const type = text.charCodeAt(0);
  if (type !== EVENT && type !== ACK) return undefined;
  const start = text.indexOf(PAYLOAD, 1);
  const id = idBefore(text, start);
  if (id === undefined) return undefined;
  const data = payloadFrom(text, start);
  if (!data) return undefined;
  if (type === ACK) return id === NO_ID ? undefined : { kind: 'ack', id };
  const [name] = data;
  if (typeof name !== 'string' || RESERVED_NAMES.has(name)) return undefined;
  return { kind: 'event', id: id === NO_ID ? undefined : id, data };
}

const NO_ID = -1;

/** Returns the id between the type and `end`, NO_ID when there is none, undefined when something else stands there. */
function idBefore(text: string, end: number): number | undefined {
  if (end < 0 || end > 1 + MAX_ID_DIGITS) return undefined;
  if (end === 1) return NO_ID;
  let id = 0;
  for (let index = 1; index < end; index += 1) {
    const digit = text.charCodeAt(index) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    id = 10 * id + digit;
  }
  return id;
}

function payloadFrom(text: string, start: number): readonly unknown[] | undefined {
  if (text.length === start + EMPTY_PAYLOAD.length && text.endsWith(EMPTY_PAYLOAD)) return [];
  try {
    // It begins with a bracket, so it is an array.
    return JSON.parse(text.slice(start)) as unknown[];
  } catch {
    return undefined;
  }
}
