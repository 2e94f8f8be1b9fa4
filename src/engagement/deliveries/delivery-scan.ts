/**
 * Where deliveries are found: in messages, in pushes of campaigns, in receipts of campaigns' events and of the types in ENGAGEMENT_EVENT_TYPES; and beside
 * them, in the members of campaigns, what these hoped for.
 */
export const DELIVERY_SOURCES = [
  'messages',
  'pushes',
  'campaign receipts',
  'receipts',
  'conversions',
] as const;
/** One of DELIVERY_SOURCES. */
export type DeliverySource = (typeof DELIVERY_SOURCES)[number];

/** What is found by when it ended is there once its transaction has ended. */
const ONCE_ENDED = [60] as const;
/** How long after an event was first sent to a device its receipt is looked at: most come within a minute, some phones are off for a day. */
const AFTER_BEGUN = [60, 3_600, 86_400] as const;

const AFTER_SECONDS: Record<DeliverySource, readonly number[]> = {
  messages: ONCE_ENDED,
  pushes: ONCE_ENDED,
  'campaign receipts': AFTER_BEGUN,
  receipts: AFTER_BEGUN,
  conversions: ONCE_ENDED,
};

/** One scan of everything of a source. What is found by several is counted once. */
export interface DeliveryScan {
  /** Its watermark. */
  readonly name: string;
  readonly source: DeliverySource;
  readonly afterSeconds: number;
}

/** Returns the scans at these sources. */
export const scansOf = (sources: readonly DeliverySource[]): DeliveryScan[] =>
  sources.flatMap((source) =>
    AFTER_SECONDS[source].map((afterSeconds) => ({
      name: `${source} ${afterSeconds}`,
      source,
      afterSeconds,
    })),
  );
