import type { Position } from '../../mailbox/position.js';
import type { EventFrame, Frame } from './frame.js';
import { OffsetSequencer } from './offset-sequencer.js';

/** Routine events that wait for one device at most, and that are held while it catches up; the oldest is dropped first. */
const MAX_ROUTINE = 256;
/** Bytes of events that are held while one device catches up. Beyond it the oldest half is dropped: a gap, filled from the mailbox. */
const MAX_HELD_BYTES = 1024 * 1024;

/**
 * Mostly nothing waits for a device, and then one frame: a list is made when it is needed, no larger than it needs to
 * be.
 */
const NONE: readonly never[] = Object.freeze([]);
const append = <T>(waiting: readonly T[], item: T): readonly T[] => {
  if (waiting.length === 0) return [item];
  (waiting as T[]).push(item);
  return waiting;
};

/** The newest event of a key replaces the older ones: a device that falls behind wants the present. */
function withNewest(waiting: readonly EventFrame[], frame: EventFrame): readonly EventFrame[] {
  if (waiting.length === 0) return [frame];
  const { key } = frame.header;
  const others = waiting.filter((other) => other.header.key !== key);
  return append(others.length < MAX_ROUTINE ? others : others.slice(1), frame);
}

/**
 * The frames that wait to be written to one device, durable events in the order of their offsets. `catching-up` while the
 * device's history is read and written: what is published meanwhile is held, so that no offset is missing between history and
 * live events, and no routine event that came after the history was read. Then `live`; `stopped` when the device is sent no more
 * events.
 */
export class OutboundQueue {
  private state: 'catching-up' | 'live' | 'stopped' = 'catching-up';
  /** The mailbox's epoch; undefined until the first catch-up is finished. */
  private epoch: string | undefined;
  private sequencer = new OffsetSequencer<EventFrame>(0);
  private held: readonly EventFrame[] = NONE;
  private heldRoutine: readonly EventFrame[] = NONE;
  private durable: readonly EventFrame[] = NONE;
  private routine: readonly EventFrame[] = NONE;
  private responses: readonly Frame[] = NONE;
  private bytes = 0;
  private heldBytes = 0;

  get isCatchingUp(): boolean {
    return this.state === 'catching-up';
  }

  get isLive(): boolean {
    return this.state === 'live';
  }

  /** How many frames may be written now. */
  get size(): number {
    return this.durable.length + this.routine.length + this.responses.length;
  }

  /** Bytes of the durable events and responses that may be written now. Routine events are few (MAX_ROUTINE). */
  get waitingBytes(): number {
    return this.bytes;
  }

  get hasDurable(): boolean {
    return this.durable.length > 0;
  }

  /** Whether an event came whose predecessor did not. */
  get hasGap(): boolean {
    return this.state === 'live' && this.sequencer.waiting > 0;
  }

  /** Up to where the device was sent everything; undefined until the first catch-up is finished. */
  get position(): Position | undefined {
    return this.epoch === undefined ? undefined : { epoch: this.epoch, offset: this.sequencer.position };
  }

  /** Whether the mailbox has more than the device was sent. */
  isBehind(head: Position): boolean {
    return this.state === 'live' && (this.epoch !== head.epoch || this.sequencer.position < head.offset);
  }

  /** Takes an event as it was published. */
  add(frame: EventFrame): void {
    const { offset, epoch } = frame.header;
    if (this.state === 'stopped') return;
    if (offset === undefined) {
      // It may be part of the history as well, if that is not read yet: better twice than not at all.
      if (this.state === 'live') this.routine = withNewest(this.routine, frame);
      else this.heldRoutine = withNewest(this.heldRoutine, frame);
    } else if (this.state === 'catching-up') this.hold(frame);
    else if (epoch === this.epoch) this.addDurable(this.sequencer.add(offset, frame));
  }

  addResponse(frame: Frame): void {
    this.responses = append(this.responses, frame);
    this.bytes += frame.body.length;
  }

  /** Holds live events back until `finishCatchUp`: for a `sync`, or to fill a gap. */
  startCatchUp(): void {
    if (this.state === 'live') this.state = 'catching-up';
  }

  /** Takes events from the history, before `finishCatchUp`. */
  replay(frames: readonly EventFrame[]): void {
    if (this.state !== 'catching-up') return;
    for (const frame of frames) {
      if (frame.header.offset === undefined) this.routine = withNewest(this.routine, frame);
      else this.addDurable([frame]);
    }
  }

  /** The history up to `head` was taken; the events that were held, and all later ones, follow it. */
  finishCatchUp(head: Position): void {
    if (this.state !== 'catching-up') return;
    const isSameEpoch = this.epoch === head.epoch;
    if (!isSameEpoch) this.sequencer = new OffsetSequencer(head.offset);
    this.epoch = head.epoch;
    this.state = 'live';
    if (isSameEpoch) this.addDurable(this.sequencer.skipTo(head.offset));
    const { held, heldRoutine } = this;
    this.held = NONE;
    this.heldRoutine = NONE;
    this.heldBytes = 0;
    for (const frame of held) this.add(frame);
    for (const frame of heldRoutine) this.add(frame);
  }

  /** Takes an event outside of the order of offsets: one that was written before, to write it once more, or a broadcast. */
  addUnordered(frame: EventFrame): void {
    this.addDurable([frame]);
  }

  takeDurable(): readonly EventFrame[] {
    const { durable } = this;
    this.durable = NONE;
    this.subtractBytes(durable);
    return durable;
  }

  takeRoutine(): readonly EventFrame[] {
    const { routine } = this;
    this.routine = NONE;
    return routine;
  }

  takeResponses(): readonly Frame[] {
    const { responses } = this;
    this.responses = NONE;
    this.subtractBytes(responses);
    return responses;
  }

  /** Drops what waits and takes no more events. Idempotent. */
  stop(): void {
    this.state = 'stopped';
    this.held = NONE;
    this.heldRoutine = NONE;
    this.durable = NONE;
    this.routine = NONE;
    this.responses = NONE;
    this.bytes = 0;
  }

  /** `frames` is a list of its own, which is kept. */
  private addDurable(frames: EventFrame[]): void {
    if (frames.length === 0) return;
    if (this.durable.length === 0) this.durable = frames;
    else (this.durable as EventFrame[]).push(...frames);
    for (const { body } of frames) this.bytes += body.length;
  }

  private subtractBytes(frames: readonly Frame[]): void {
    for (const { body } of frames) this.bytes -= body.length;
  }

  private hold(frame: EventFrame): void {
    this.held = append(this.held, frame);
    this.heldBytes += frame.body.length;
    if (this.heldBytes <= MAX_HELD_BYTES) return;
    let dropped = 0;
    for (; this.heldBytes > MAX_HELD_BYTES / 2; dropped += 1)
      this.heldBytes -= this.held[dropped]?.body.length ?? this.heldBytes;
    this.held = this.held.slice(dropped);
  }
}
