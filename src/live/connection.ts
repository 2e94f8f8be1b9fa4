import type { DeviceSession } from '../devices/device-command.js';
import type { Position } from '../mailbox/position.js';
import type { Frame, Packet } from './frame.js';
import { Order } from './order.js';
import { TokenBucket } from './token-bucket.js';

/** CONTRACT §4: frames a second from one device, and their bursts. */
const FRAMES_PER_SECOND = 20;
const FRAMES_BURST = 100;
/** Routine events that wait for one device at most. */
const MAX_ROUTINE = 256;

const NONE: readonly Frame[] = [];

/** Frames of the protocol itself. */
export type ProtocolFrame = 'welcome' | 'snapshot' | 'goaway' | 'token.expiring';

/** Called when the device acknowledged, with its socket as `this`: one function an event, not one a device. */
export type OnAck = (this: { readonly data: unknown }) => void;

/** The device's end of the line, which a connection writes to. */
export interface Line {
  /** Bytes that the kernel did not take yet. */
  readonly buffered: number;
  /** False when the line knows no acks. */
  expectAck(id: number, onAck: OnAck): boolean;
  forgetAck(id: number): void;
  write(frames: readonly Frame[], answers?: readonly Packet[]): void;
  emit(frame: ProtocolFrame, payload: unknown): void;
  disconnect(): void;
  terminate(): void;
}

/** A durable event that the device has not acknowledged. */
interface Owed {
  readonly frame: Frame;
  readonly sentAt: number;
  readonly again: boolean;
}

/** A durable frame, with what happens on its ack. */
export interface Addressed {
  readonly frame: Frame;
  readonly onAck: OnAck | undefined;
}

/**
 * One device's live connection. `joining` while its history is read: events that come meanwhile are held, so that
 * history and live events meet without a hole. `live` after.
 */
export class Connection implements DeviceSession {
  readonly userId: string;
  readonly deviceId: string;
  readonly profileId: string;
  deviceName: string | undefined;
  expiresAt: number;
  warnedOfExpiry = false;
  readonly enteredAt: number;
  /** When it is asked to come back elsewhere, so that load evens out and no process state grows old. */
  readonly recycleAt: number;
  toldToGo = false;
  /** Whether the outbox has it in its queue. */
  queued = false;
  /** Epoch and head that it was told last; undefined until it joined once. */
  epoch: string | undefined;
  line: Line | undefined;
  readonly inbound: TokenBucket;
  private state: 'joining' | 'live' | 'closed' = 'joining';
  private order = new Order<Addressed>(0);
  private held: Addressed[] = [];
  private durable: Addressed[] = [];
  private routine: Frame[] = [];
  private answers: Packet[] = [];
  /** Made with the first durable event: an idle device costs little. */
  private owed: Map<number, Owed> | undefined;
  /** Acks that may still come for what was sent twice or given up. */
  private lateAcks = 0;

  constructor(of: {
    userId: string;
    deviceId: string;
    profileId: string;
    expiresAt: number;
    now: number;
    livesMs: number;
  }) {
    this.userId = of.userId;
    this.deviceId = of.deviceId;
    this.profileId = of.profileId;
    this.expiresAt = of.expiresAt;
    this.enteredAt = of.now;
    this.recycleAt = of.now + of.livesMs;
    this.inbound = new TokenBucket(FRAMES_PER_SECOND, FRAMES_BURST, of.now);
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
  get hasHole(): boolean {
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
  offer(addressed: Addressed): void {
    const { heading } = addressed.frame;
    if (this.state === 'closed') return;
    if (heading.offset === undefined) {
      // A device that is reading its history gets the newest state with it.
      if (this.state === 'live') this.queueRoutine(addressed.frame);
    } else if (this.state === 'joining') this.held.push(addressed);
    else if (heading.epoch === this.epoch) this.durable.push(...this.order.admit(heading.offset, addressed));
  }

  /** Events from the history, before `joined`. */
  replay(addressed: readonly Addressed[]): void {
    if (this.state !== 'joining') return;
    for (const one of addressed) {
      if (one.frame.heading.offset === undefined) this.queueRoutine(one.frame);
      else this.durable.push(one);
    }
  }

  /** Back to reading history: after a `sync`, or to fill a hole. */
  rejoin(): void {
    if (this.state === 'live') this.state = 'joining';
  }

  /** The history up to `head` is on its way; live events follow after it. */
  joined(head: Position): void {
    if (this.state === 'closed') return;
    const sameLog = this.epoch === head.epoch;
    if (!sameLog) this.order = new Order(head.offset);
    this.epoch = head.epoch;
    this.state = 'live';
    if (sameLog) this.durable.push(...this.order.caughtUp(head.offset));
    const held = this.held;
    this.held = [];
    for (const addressed of held) this.offer(addressed);
  }

  /** The answer to something that the device asked; goes out with whatever else is due. */
  answer(packet: Packet): void {
    if (this.state !== 'closed') this.answers.push(packet);
  }

  /** Everything that is due, in one write: answers, durable events in order, then the newest routine ones. */
  flush(): void {
    if (!this.line || this.pending === 0) return;
    const { routine, answers } = this;
    const durable = this.takeDurable();
    this.routine = [];
    this.answers = [];
    this.line.write(durable.length === 0 ? routine : [...durable, ...routine], answers);
  }

  /** Only what must not wait: durable events, in order. */
  flushDurable(): void {
    if (this.line && this.durable.length > 0) this.line.write(this.takeDurable());
  }

  /** The device has it. */
  acknowledged(ackId: number): void {
    this.owed?.delete(ackId);
  }

  /**
   * Sends once more what the device did not acknowledge within `timeoutMs`, and gives up what it then still did not: it
   * gets that with its next connection. Answers the frames that were given up.
   */
  remind(timeoutMs: number, now: number): Frame[] {
    const { owed: all } = this;
    if (!all) return [];
    const due = [...all].filter(([, { sentAt }]) => now - sentAt >= timeoutMs);
    const again = due.filter(([, owed]) => !owed.again);
    for (const [id, { frame }] of again) all.set(id, { frame, sentAt: now, again: true });
    if (again.length > 0) this.line?.write(again.map(([, { frame }]) => frame));
    const lost = due.filter(([, owed]) => owed.again);
    this.lateAcks += due.length;
    for (const [id] of lost) {
      all.delete(id);
      this.line?.forgetAck(id);
    }
    return lost.map(([, { frame }]) => frame);
  }

  /** Whether an ack that nobody waits for has its reason with us. */
  forgiveAck(): boolean {
    if (this.lateAcks === 0) return false;
    this.lateAcks -= 1;
    return true;
  }

  /** Acks that the device owes. */
  get owes(): number {
    return this.owed?.size ?? 0;
  }

  close(): void {
    this.owed = undefined;
    this.state = 'closed';
    this.held = [];
    this.durable = [];
    this.routine = [];
    this.answers = [];
  }

  private takeDurable(): readonly Frame[] {
    if (this.durable.length === 0) return NONE;
    const now = Date.now();
    const frames: Frame[] = [];
    for (const { frame, onAck } of this.durable) {
      if (frame.ackId !== undefined && onAck && this.line?.expectAck(frame.ackId, onAck)) {
        (this.owed ??= new Map()).set(frame.ackId, { frame, sentAt: now, again: false });
      }
      frames.push(frame);
    }
    this.durable = [];
    return frames;
  }

  /** Of one key only the newest waits, and of all keys only so many: a device that falls behind wants the present. */
  private queueRoutine(frame: Frame): void {
    const { routine } = this;
    if (routine.length > 0) {
      const { key } = frame.heading;
      const older = routine.findIndex((other) => other.heading.key === key);
      if (older >= 0) routine.splice(older, 1);
      else if (routine.length >= MAX_ROUTINE) routine.shift();
    }
    routine.push(frame);
  }
}
