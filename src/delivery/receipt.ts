/** How far one event got on one device, in order; a receipt only moves forward (CONTRACT §1). */
export const RECEIPT_STATES = ['sent', 'received', 'applied', 'seen'] as const;
export type ReceiptState = (typeof RECEIPT_STATES)[number];

/** As it is stored: 1 to 4. */
export const rankOf = (state: ReceiptState): number => RECEIPT_STATES.indexOf(state) + 1;

/** One step of one event on one device. */
export interface Receipt {
  readonly userId: string;
  readonly deviceId: string;
  readonly epoch: string;
  readonly offset: number;
  readonly eventId: string;
  readonly type: string;
  readonly state: ReceiptState;
  readonly at: Date;
}

/** The furthest receipt of each event and device: one row must not be written twice in one statement. */
export function furthest(receipts: readonly Receipt[]): Receipt[] {
  const kept = new Map<string, Receipt>();
  for (const receipt of receipts) {
    // No id holds a newline.
    const key = `${receipt.userId}\n${receipt.deviceId}\n${receipt.epoch}\n${receipt.offset}`;
    const other = kept.get(key);
    if (!other || rankOf(receipt.state) > rankOf(other.state)) kept.set(key, receipt);
  }
  return [...kept.values()];
}
