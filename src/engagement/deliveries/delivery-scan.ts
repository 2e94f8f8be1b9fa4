/** Where deliveries are found: in messages and receipts; and beside them, in the members of campaigns, what these hoped for. */
export type DeliverySource = 'messages' | 'receipts' | 'conversions';

/** How long after a message was queued, or an event was sent, it is looked at: most are delivered within a minute, some phones are off for a day. */
const AFTER_SECONDS = [60, 3_600, 86_400] as const;
/** A conversion is written with its event, so that it is there as soon as its transaction has ended. */
const CONVERSIONS_AFTER_SECONDS = [60] as const;

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
    (source === 'conversions' ? CONVERSIONS_AFTER_SECONDS : AFTER_SECONDS).map((afterSeconds) => ({
      name: `${source} ${afterSeconds}`,
      source,
      afterSeconds,
    })),
  );
