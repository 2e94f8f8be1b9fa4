import { type NodeLane, NODE_LANES } from '../../platform/redis/keys.js';

/** Without a message for this long, not even a canary, messages of other nodes may be lost. */
const CANARY_TIMEOUT_MS = 3_000;
/** Without a message for this long, the subscriptions are connected again. */
const RECONNECT_AFTER_MS = 7_000;

/**
 * Redis may lose messages without an error on either side. Tells whether that may have happened: from the silence of a lane, on which a
 * canary comes back each second, from connections that ended, and from messages that failed. Times are monotonic, in milliseconds.
 */
export class MessageLossDetector {
  private readonly lastMessageAt: Record<NodeLane, number> = { critical: -Infinity, other: -Infinity };
  /** Lanes whose connection ended and which have received nothing since. */
  private readonly lostLanes = new Set<NodeLane>();
  /** Since the last check a connection ended, even if it is back by now, or a message failed. */
  private hasMissed = false;
  private isSuspected = false;
  private reconnectedAt = -Infinity;

  /** Whether messages were being lost at the last check. */
  get suspectsLoss(): boolean {
    return this.isSuspected;
  }

  received(lane: NodeLane, now: number): void {
    this.lastMessageAt[lane] = now;
    this.lostLanes.delete(lane);
  }

  connectionEnded(lane: NodeLane): void {
    this.lostLanes.add(lane);
    this.hasMissed = true;
  }

  messageFailed(): void {
    this.hasMissed = true;
  }

  /** Returns whether messages may have been lost since the last check. */
  check(now: number): boolean {
    this.isSuspected = this.lostLanes.size > 0 || this.silentMs(now) > CANARY_TIMEOUT_MS;
    const mayHaveLost = this.isSuspected || this.hasMissed;
    this.hasMissed = false;
    return mayHaveLost;
  }

  /** Whether the subscriptions should be connected again, which is then tried for a while. */
  mustReconnect(now: number): boolean {
    if (this.silentMs(now) <= RECONNECT_AFTER_MS || now - this.reconnectedAt <= RECONNECT_AFTER_MS)
      return false;
    this.reconnectedAt = now;
    return true;
  }

  private silentMs(now: number): number {
    return now - Math.min(...NODE_LANES.map((lane) => this.lastMessageAt[lane]));
  }
}
