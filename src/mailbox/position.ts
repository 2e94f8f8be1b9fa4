/** How far a device has read. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** Further behind than this, the state as a whole is cheaper than what led to it (CONTRACT §4). */
export const MAX_REPLAY = 300;

/** How a device at `position` catches up with a mailbox whose newest event is `head`. */
export function resumeFrom(position: Position | undefined, head: Position): 'replay' | 'snapshot' {
  if (!position || position.epoch !== head.epoch) return 'snapshot';
  // A position from the future of this numbering: the numbering was rebuilt without a new epoch. Trust nothing of it.
  if (position.offset > head.offset) return 'snapshot';
  return head.offset - position.offset > MAX_REPLAY ? 'snapshot' : 'replay';
}
