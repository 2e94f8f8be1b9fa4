import type { Broadcast, BroadcastPosition } from '../../broadcasts/broadcast.js';
import { toEnvelope } from '../../broadcasts/broadcast-event.js';
import { EncodedEvent } from '../../mailbox/events/outgoing-event.js';
import { EventFrame, type FrameObserver } from '../connection/frame.js';

/** A broadcast as it is written to the devices of this node, encoded once for all of them. */
export class BroadcastFrame extends EventFrame {
  constructor(
    readonly broadcast: Broadcast,
    epoch: string,
    observer?: FrameObserver,
  ) {
    super(EncodedEvent.of(toEnvelope(broadcast, epoch)), observer);
  }
}

/**
 * Returns the position of a device to which these frames, which were waiting for it, are not written after all: before the first broadcast among
 * them.
 */
export function positionWithout(
  dropped: readonly EventFrame[],
  position: BroadcastPosition | undefined,
): BroadcastPosition | undefined {
  const first = dropped.find((frame) => frame instanceof BroadcastFrame);
  if (!position || !first) return position;
  return { epoch: position.epoch, number: first.broadcast.number - 1 };
}
