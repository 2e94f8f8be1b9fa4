/** Where deliveries are found. */
export const DELIVERY_SOURCES = ['messages', 'receipts'] as const;
/** One of DELIVERY_SOURCES. */
export type DeliverySource = (typeof DELIVERY_SOURCES)[number];

/** How long after a message was queued, or an event was sent, it is looked at: most are delivered within a minute, some phones are off for a day. */
const LOOKS_AFTER_SECONDS = [60, 3_600, 86_400] as const;

/** One look at everything of a source. What is found by several is counted once. */
export interface DeliveryLook {
  /** Its watermark. */
  readonly name: string;
  readonly source: DeliverySource;
  readonly afterSeconds: number;
}

/** Returns the looks at these sources. */
export const looksAt = (sources: readonly DeliverySource[]): DeliveryLook[] =>
  sources.flatMap((source) =>
    LOOKS_AFTER_SECONDS.map((afterSeconds) => ({ name: `${source} ${afterSeconds}`, source, afterSeconds })),
  );
