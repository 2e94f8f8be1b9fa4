import type { DeviceSession } from '../../devices/device-command.js';
import type { Position } from '../../mailbox/position.js';
import type { UserIdentity } from '../../platform/auth/user-tokens/token-claims.js';
import type { Frame, Packet } from './frame.js';
import type { OutboundFrame, GoawayReason, Transport } from './transport.js';
import { OffsetSequencer } from './offset-sequencer.js';
import { AckTracker } from './ack-tracker.js';
import type { BackpressureState } from './backpressure.js';
import { TokenBucket } from '../../platform/scheduling/token-bucket.js';

/** CONTRACT §4: frames a second from one device, and their bursts. */
const FRAMES_PER_SECOND = 20;
const FRAMES_BURST = 100;
/** Routine events that wait for one device at most. */
const MAX_ROUTINE = 256;

/** What waits is mostly nothing, and then one frame: a list is made when it is needed, as large as it needs to be. */
const NONE: readonly never[] = Object.freeze([]);
const and = <T>(waiting: readonly T[], one: T): readonly T[] => {
  if (waiting.length === 0) return [one];
  (waiting as T[]).push(one);
  return waiting;
};

/**
 * One device's live connection. `joining` while its history is read: events that come meanwhile are held, so that
 * history and live events meet without a hole. `live` after. `silent` when it is to leave and resume elsewhere.
 */
export class Connection implements DeviceSession {
  readonly userId: string;
  readonly deviceId: string;
  readonly profileId: string;
  deviceName: string | undefined;
  expiresAt = 0;
  /** Of its token, by which it may be revoked. */
  issuedAt: number | undefined;
  tokenId: string | undefined;
  warnedOfExpiry = false;
  readonly enteredAt: number;
  /** When it is asked to come back elsewhere, so that load evens out and no process state grows old. */
  readonly recycleAt: number;
  /** When it is cut off, once it was asked to leave. */
  leavesBy: number | undefined;
  /** What it has not read, as of the last look; most devices never have a backlog. */
  backpressure: BackpressureState | undefined;
  /** Whether the outbox has it in its queue. */
  queued = false;
  /** Epoch and head that it was told last; undefined until it joined once. */
  epoch: string | undefined;
  transport: Transport | undefined;
  readonly inbound: TokenBucket;
  private state: 'joining' | 'live' | 'silent' | 'closed' = 'joining';
  private order = new OffsetSequencer<OutboundFrame>(0);
  private held: readonly OutboundFrame[] = NONE;
  private durable: readonly OutboundFrame[] = NONE;
  private routine: readonly Frame[] = NONE;
  private answers: readonly Packet[] = NONE;
  /** Made with the first durable event: an idle device costs little. */
  private owing: AckTracker | undefined;

  constructor(of: {
    identity: UserIdentity;
    deviceId: string;
    profileId: string;
    now: number;
    livesMs: number;
  }) {
    this.userId = of.identity.userId;
    this.deviceId = of.deviceId;
    this.profileId = of.profileId;
    this.setToken(of.identity);
    this.enteredAt = of.now;
    this.recycleAt = of.now + of.livesMs;
    this.inbound = new TokenBucket(FRAMES_PER_SECOND, FRAMES_BURST, of.now);
  }

  /** The token that it lives by, from now on. */
  setToken({ expiresAt, issuedAt, tokenId }: UserIdentity): void {
    this.expiresAt = expiresAt.getTime();
    this.issuedAt = issuedAt;
    this.tokenId = tokenId;
    this.warnedOfExpiry = false;
  }

  /**
   * Asks the device to come back after `retryAfterMs`, elsewhere; cut off at `leavesBy` if it has not left by then. Whoever
   * is slow is told nothing more: it resumes from its position.
   */
  sendGoaway(reason: GoawayReason, retryAfterMs: number, leavesBy = Infinity): void {
    if (this.closed) return;
    this.leavesBy = leavesBy;
    this.transport?.emit('goaway', { reason, retryAfterMs: Math.round(retryAfterMs) });
    if (reason === 'slow') this.stopSending();
  }

  get closed(): boolean {
    return this.state === 'closed';
  }

  get joining(): boolean {
    return this.state === 'joining';
  }

  get pending(): number {
    return this.durable.length + this.routine.length + this.answers.length;
  }

  /** A hole that waits to be filled: an event came whose predecessor did not. */
  get hasGap(): boolean {
    return this.state === 'live' && this.order.waiting > 0;
  }

  get position(): Position | undefined {
    return this.epoch === undefined ? undefined : { epoch: this.epoch, offset: this.order.position };
  }

  /** Whether the mailbox has more than it was told. */
  isBehind(head: Position): boolean {
    return this.state === 'live' && (this.epoch !== head.epoch || this.order.position < head.offset);
  }

  /** Takes an event for the device. Whatever is then due waits for `flush`. */
  enqueue(addressed: OutboundFrame): void {
    const { heading } = addressed.frame;
    if (this.state === 'closed' || this.state === 'silent') return;
    if (heading.offset === undefined) {
      // A device that is reading its history gets the newest state with it.
      if (this.state === 'live') this.queueRoutine(addressed.frame);
    } else if (this.state === 'joining') this.held = and(this.held, addressed);
    else if (heading.epoch === this.epoch) this.due(this.order.admit(heading.offset, addressed));
  }

  /** Events from the history, before `joined`. */
  replay(addressed: readonly OutboundFrame[]): void {
    if (this.state !== 'joining') return;
    for (const one of addressed) {
      if (one.frame.heading.offset === undefined) this.queueRoutine(one.frame);
      else this.durable = and(this.durable, one);
    }
  }

  /** Back to reading history: after a `sync`, or to fill a hole. */
  rejoin(): void {
    if (this.state === 'live') this.state = 'joining';
  }

  /** The history up to `head` is on its way; live events follow after it. */
  joined(head: Position): void {
    if (this.state !== 'joining') return;
    const sameLog = this.epoch === head.epoch;
    if (!sameLog) this.order = new OffsetSequencer(head.offset);
    this.epoch = head.epoch;
    this.state = 'live';
    if (sameLog) this.due(this.order.caughtUp(head.offset));
    const held = this.held;
    this.held = NONE;
    for (const addressed of held) this.enqueue(addressed);
  }

  /** The answer to something that the device asked; goes out with whatever else is due. */
  answer(packet: Packet): void {
    if (this.state !== 'closed') this.answers = and(this.answers, packet);
  }

  /** Everything that is due, in one write: answers, durable events in order, then the newest routine ones. */
  flush(): void {
    if (!this.transport || this.pending === 0) return;
    const { routine, answers } = this;
    const durable = this.takeDurable();
    this.routine = NONE;
    this.answers = NONE;
    this.transport.write(durable.length === 0 ? routine : [...durable, ...routine], answers);
  }

  /** Only what must not wait: durable events, in order. */
  flushDurable(): void {
    if (this.transport && this.durable.length > 0) this.transport.write(this.takeDurable());
  }

  /** What it owes for the durable events that it was sent, if it was sent any. */
  get acks(): AckTracker | undefined {
    return this.owing;
  }

  applied(eventIds: readonly string[]): void {
    this.owing?.applied(eventIds);
  }

  /** Tells it once more what it has not applied within `patienceMs`. */
  resendUnapplied(patienceMs: number, now: number): void {
    const addressed = this.state === 'live' ? this.owing?.unappliedSince(patienceMs, now) : undefined;
    if (!addressed) return;
    this.durable = and(this.durable, addressed);
    this.flushDurable();
  }

  /** Acks that the device owes. */
  get unacknowledged(): number {
    return this.owing?.acks ?? 0;
  }

  close(): void {
    this.stopSending();
    this.state = 'closed';
  }

  /** Takes no more events, and forgets those that wait. */
  private stopSending(): void {
    this.state = 'silent';
    this.owing = undefined;
    this.held = NONE;
    this.durable = NONE;
    this.routine = NONE;
    this.answers = NONE;
  }

  private due(addressed: readonly OutboundFrame[]): void {
    for (const one of addressed) this.durable = and(this.durable, one);
  }

  private takeDurable(): readonly Frame[] {
    if (this.durable.length === 0) return NONE;
    const now = Date.now();
    const frames: Frame[] = [];
    for (const { frame, onAck } of this.durable) {
      if (frame.ackId !== undefined && onAck && this.transport?.expectAck(frame.ackId, onAck)) {
        (this.owing ??= new AckTracker()).track(frame.ackId, frame, now);
      }
      frames.push(frame);
    }
    this.durable = NONE;
    return frames;
  }

  /** Of one key only the newest waits, and of all keys only so many: a device that falls behind wants the present. */
  private queueRoutine(frame: Frame): void {
    if (this.routine.length > 0) {
      const { key } = frame.heading;
      const others = this.routine.filter((other) => other.heading.key !== key);
      this.routine = others.length < MAX_ROUTINE ? others : others.slice(1);
    }
    this.routine = and(this.routine, frame);
  }
}
