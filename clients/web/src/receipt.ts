import { byteLength, MAX_FRAME_BYTES } from './frames.js';
import type { OutgoingMessage } from './outbox.js';

/** How far events got on this device: `applied`, the app acted on them, or `seen`, a person saw them. */
export type Receipt =
  | { readonly ids: readonly string[]; readonly state: 'applied' | 'seen' }
  | { readonly offset: number; readonly state: 'applied' | 'seen' };

/** The most ids of one receipt (docs/CONTRACT.md, "From the device"). */
const MAX_IDS = 100;

/** Returns the message that sends this receipt. Receipts of the same state that wait are sent as one. */
export function toReceiptMessage(receipt: Receipt): OutgoingMessage {
  const coalesceKey = JSON.stringify(['receipt', receipt]);
  return { coalesceKey, name: 'receipt', payload: receipt, order: 0, merge: mergeReceipts };
}

/** Returns the receipt for the ids of both, or undefined if they are not alike or would be too many. */
function mergeReceipts(payload: unknown, other: OutgoingMessage): Receipt | undefined {
  if (other.merge !== mergeReceipts) return undefined;
  const [a, b] = [payload as Receipt, other.payload as Receipt];
  if (!('ids' in a) || !('ids' in b) || a.state !== b.state || a.ids.length + b.ids.length > MAX_IDS)
    return undefined;
  const merged = { ids: [...a.ids, ...b.ids], state: a.state };
  return byteLength('receipt', merged) > MAX_FRAME_BYTES ? undefined : merged;
}
