import type { BroadcastPosition } from '../../broadcasts/broadcast.js';
import type { ConnectedDevice } from '../../cluster/lookup/connected-device.js';
import type { DeviceSession } from '../../devices/commands/device-command.js';
import type { UserIdentity } from '../../platform/auth/user-tokens/token-claims.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { TokenBucket } from '../../platform/rate-limits/token-bucket.js';
import { AckTracker } from './ack-tracker.js';
import type { BackpressureState } from './backpressure.js';
import type { EventFrame, Frame } from './frame.js';
import { OutboundQueue } from './outbound-queue.js';
import type { GoawayReason, Transport } from './transport.js';

/** Frames that one device may send (docs/CONTRACT.md, "The device socket"). */
const FRAMES_PER_SECOND = 20;
const FRAMES_BURST = 100;
/** A device this many frames beyond its burst is no app that behaves: its connection is terminated. */
export const MAX_RATE_DEBT = 99;

/** One device's live connection: who it is, until when it may stay, what waits for it and what it has to acknowledge. */
export class Connection implements DeviceSession {
  readonly userId: string;
  readonly deviceId: string;
  readonly profileId: string;
  deviceName: string | undefined;
  /** When its token expires, in milliseconds. */
  expiresAt = 0;
  /** Of its token, by which it may be revoked. */
  issuedAt: number | undefined;
  tokenId: string | undefined;
  isExpiryAnnounced = false;
  /** By the time of day, in milliseconds. */
  readonly connectedAt = Date.now();
  /** When it is asked to reconnect (monotonic), so that load evens out between the nodes and no process state grows old. */
  readonly recycleAt: number;
  /** When it is terminated if it has not left by itself (monotonic); set once it was sent a `goaway`. */
  leaveBy: number | undefined;
  /** Of the last check; undefined for most devices, which have read everything. */
  backpressure: BackpressureState | undefined;
  /** Acknowledgements that were due and came: that it reads, whatever the buffers on the way hold. */
  acknowledgedCount = 0;
  /** Up to where it was sent the broadcasts; undefined for a device that has read none. */
  broadcastPosition: BroadcastPosition | undefined;
  /** The acknowledgement that the device owes for a page of its snapshot. */
  pageAckId: number | undefined;
  /** Whether it is in the write scheduler's queue. */
  isScheduled = false;
  /** Undefined until the device is admitted and may be written to. */
  transport: Transport | undefined;
  /** What waits to be written to it. */
  readonly outbound = new OutboundQueue();
  /** Limits the frames that it sends. */
  readonly inboundLimit: TokenBucket;
  private state: 'open' | 'leaving' | 'closed' = 'open';
  /** There only while something is owed: an idle device costs little memory. */
  private ackTracker: AckTracker | undefined;

  /** `now` (monotonic) and `lifetimeMs` in milliseconds. */
  constructor(of: {
    readonly identity: UserIdentity;
    readonly deviceId: string;
    readonly profileId: string;
    readonly broadcastPosition?: BroadcastPosition | undefined;
    readonly now: number;
    readonly lifetimeMs: number;
  }) {
    this.userId = of.identity.userId;
    this.deviceId = of.deviceId;
    this.profileId = of.profileId;
    this.broadcastPosition = of.broadcastPosition;
    this.setToken(of.identity);
    this.recycleAt = of.now + of.lifetimeMs;
    this.inboundLimit = new TokenBucket(FRAMES_PER_SECOND, FRAMES_BURST, of.now);
  }

  /** The connection that a command's session is. Throws if it is none. */
  static of(session: DeviceSession): Connection {
    if (!(session instanceof Connection)) throw new Error('the session is not a live connection');
    return session;
  }

  /** The connection lives as long as this token from now on. */
  setToken({ expiresAt, issuedAt, tokenId }: UserIdentity): void {
    this.expiresAt = expiresAt.getTime();
    this.issuedAt = issuedAt;
    this.tokenId = tokenId;
    this.isExpiryAnnounced = false;
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  /** Takes the response to a command; it is written with whatever else waits. */
  respond(response: Frame): void {
    if (this.state !== 'closed') this.outbound.addResponse(response);
  }

  /** Writes everything that waits in one write: responses, durable events in order, then the newest routine ones. */
  flush(): void {
    const { transport, outbound } = this;
    if (!transport || outbound.size === 0) return;
    const durable = this.takeDurable(transport);
    const routine = outbound.takeRoutine();
    for (const frame of routine) frame.observer?.written(frame, this);
    const responses = outbound.takeResponses();
    if (durable.length + routine.length + responses.length === 0) return;
    transport.write(durable.length === 0 ? routine : [...durable, ...routine], responses);
  }

  /** Writes only what must not wait: durable events, in order. */
  flushDurable(): void {
    const { transport } = this;
    if (!transport || !this.outbound.hasDurable) return;
    const durable = this.takeDurable(transport);
    if (durable.length > 0) transport.write(durable);
  }

  /** The acknowledgements that are due; undefined when none is, and once it is closed. */
  get acks(): AckTracker | undefined {
    return this.ackTracker;
  }

  /** Frees the memory of acknowledgements when none is due any more. */
  releaseAcks(): void {
    if (this.ackTracker?.isSettled) this.ackTracker = undefined;
  }

  /** Events that the device has not acknowledged; 0 once it is leaving, since it is sent nothing again. */
  get unacknowledged(): number {
    return this.state === 'leaving' ? 0 : (this.ackTracker?.size ?? 0);
  }

  /** Whether the device has acknowledged all that was written to it. */
  get hasAcknowledgedAll(): boolean {
    return this.pageAckId === undefined && this.unacknowledged === 0;
  }

  applied(eventIds: readonly string[]): void {
    this.ackTracker?.markApplied(eventIds);
    this.releaseAcks();
  }

  /** Writes the event once more that the device has not applied within `timeoutMs`. */
  resendUnapplied(timeoutMs: number, now: number): void {
    const frame = this.outbound.isLive ? this.ackTracker?.takeUnapplied(timeoutMs, now) : undefined;
    if (!frame) return;
    // The second copy is not measured.
    frame.observer = undefined;
    this.outbound.addUnordered(frame);
    this.flushDurable();
  }

  /**
   * Asks the device to reconnect after `retryAfterMs`. It is terminated at `leaveBy` (milliseconds) if it has not left by
   * then. One that is too slow is sent no more events: it resumes from its position.
   */
  sendGoaway(reason: GoawayReason, retryAfterMs: number, leaveBy = Infinity): void {
    if (this.state === 'closed') return;
    this.leaveBy = leaveBy;
    this.transport?.emit('goaway', { reason, retryAfterMs: Math.round(retryAfterMs) });
    if (reason !== 'slow') return;
    this.state = 'leaving';
    this.outbound.stop();
  }

  /** Takes no more frames and drops those that wait; does not touch the transport. Idempotent. */
  close(): void {
    this.state = 'closed';
    this.ackTracker = undefined;
    this.outbound.stop();
  }

  /** The connection as its operators see it. */
  describe(): Omit<ConnectedDevice, 'nodeId'> {
    return {
      deviceId: this.deviceId,
      transport: this.transport?.acknowledges === false ? 'event-stream' : 'socket',
      since: new Date(this.connectedAt).toISOString(),
      offset: this.outbound.position?.offset ?? null,
      unacknowledged: this.unacknowledged,
      unreadBytes: this.transport?.bufferedBytes ?? 0,
    };
  }

  /** What expired while it waited is not written, though the device has its offset behind it. */
  private takeDurable(transport: Transport): readonly EventFrame[] {
    const waiting = this.outbound.takeDurable();
    const wallClock = Date.now();
    const hasExpired = waiting.some((frame) => frame.isExpired(wallClock));
    const frames = hasExpired ? waiting.filter((frame) => !frame.isExpired(wallClock)) : waiting;
    for (const frame of frames) frame.observer?.written(frame, this);
    if (frames.length === 0 || !transport.acknowledges) return frames;
    const now = monotonicNow();
    const acks = (this.ackTracker ??= new AckTracker());
    for (const frame of frames) if (frame.ackId !== undefined) acks.track(frame.ackId, frame, now);
    return frames;
  }
}
