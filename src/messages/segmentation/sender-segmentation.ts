import { segment, type SegmentedText } from './segment.js';

/** What one sender makes of a text. */
export interface SegmentedMessage extends SegmentedText {
  /** What its provider is given: the whole text where the carrier joins the parts, else each part. */
  readonly messages: readonly string[];
}

/** Returns the parts of a text, composed (NFC): a letter and its accent as one character are more often in GSM-7. */
export function segmentFor(text: string, sender: { readonly joins: boolean }): SegmentedMessage {
  const composed = text.normalize('NFC');
  const segmented = segment(composed, sender.joins ? 'carrier' : 'numbered');
  return { ...segmented, messages: sender.joins ? [composed] : segmented.parts };
}

/** Prices have up to six decimals; so many are kept of a sum. */
const PRECISION = 1_000_000;

/** Returns what the text costs, in the currency of the routes. */
export const priceOf = ({ parts }: SegmentedText, { price }: { readonly price: number }): number =>
  Math.round(parts.length * price * PRECISION) / PRECISION;
