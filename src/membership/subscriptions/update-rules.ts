/** How a processor's word relates to what is known of the subscription. */
export interface Precedence {
  readonly asOf: Date;
  readonly ended: boolean;
  /**
   * The fetch that it was read by; undefined for what a webhook says. Turns are given in the order in which fetches
   * *began*, across all nodes.
   */
  readonly fetchSequence?: number | null | undefined;
}

/**
 * Whether the word is news. An end is final. What was fetched is the processor's state at some instant after its turn
 * began, so it holds against all that was fetched in an earlier turn, and against any webhook. Else webhooks come in any
 * order and the processor's clock decides; its resolution is a second, and `followsTie` says what else is known of two
 * words of the same second.
 */
export function isNewer(known: Precedence | undefined, word: Precedence, followsTie: () => boolean): boolean {
  if (!known) return true;
  if (known.ended) return false;
  if (typeof word.fetchSequence === 'number')
    return typeof known.fetchSequence !== 'number' || word.fetchSequence > known.fetchSequence;
  if (word.ended) return true;
  const order = word.asOf.getTime() - known.asOf.getTime();
  return order > 0 || (order === 0 && followsTie());
}
