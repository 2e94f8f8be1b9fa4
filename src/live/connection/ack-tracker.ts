import type { EventFrame } from './frame.js';
import type { Transport } from './transport.js';

/** A durable event that was written and not acknowledged. */
interface UnacknowledgedEvent {
  readonly ackId: number;
  readonly frame: EventFrame;
  readonly sentAt: number;
  readonly resent: boolean;
}

/** An event that the device acknowledged and has not applied. */
interface UnappliedEvent {
  readonly frame: EventFrame;
  readonly since: number;
  resent: boolean;
}

/** The acknowledgements that one device has still to send: one per durable event, and for some that it applied them. */
export class AckTracker {
  /** In the order in which they were written, which is mostly the order of the acknowledgements: a map for one or two events would cost more. */
  private unacknowledged: UnacknowledgedEvent[] = [];
  private unapplied: UnappliedEvent | undefined;
  /** Acknowledgements that may still come for events that were sent twice or given up. */
  private lateAcks = 0;

  /** How many events are not acknowledged. */
  get size(): number {
    return this.unacknowledged.length;
  }

  /** Whether the device owes nothing: no acknowledgement that is due or late, and nothing to apply. */
  get isSettled(): boolean {
    return this.unacknowledged.length === 0 && this.unapplied === undefined && this.lateAcks === 0;
  }

  /** `frame` was written at `now` (milliseconds). */
  track(ackId: number, frame: EventFrame, now: number): void {
    this.unacknowledged.push({ ackId, frame, sentAt: now, resent: false });
  }

  /** The device has the event. Returns its frame, or undefined if no acknowledgement with this id is due. */
  acknowledge(ackId: number): EventFrame | undefined {
    const index = this.unacknowledged.findIndex((event) => event.ackId === ackId);
    return index < 0 ? undefined : this.unacknowledged.splice(index, 1)[0]?.frame;
  }

  /**
   * Sends once more what was not acknowledged within `timeoutMs`. What was not acknowledged even then is given up: the
   * device gets it with its next connection. So is what `isWanted` refuses, without a second time. Returns the frames that were not
   * acknowledged in time for the first time.
   */
  resendDue(
    transport: Transport,
    timeoutMs: number,
    now: number,
    isWanted: (frame: EventFrame) => boolean = () => true,
  ): EventFrame[] {
    const isDue = ({ sentAt }: UnacknowledgedEvent) => now - sentAt >= timeoutMs;
    const due = this.unacknowledged.filter(isDue);
    if (due.length === 0) return [];
    const again = due.filter(({ resent, frame }) => !resent && isWanted(frame));
    if (again.length > 0) transport.write(again.map(({ frame }) => frame));
    const others = this.unacknowledged.filter((event) => !isDue(event));
    this.unacknowledged = [
      ...again.map(({ ackId, frame }) => ({ ackId, frame, sentAt: now, resent: true })),
      ...others,
    ];
    this.lateAcks += due.length;
    return due.filter(({ resent }) => !resent).map(({ frame }) => frame);
  }

  /**
   * Whether an acknowledgement that is not due may be the second one of an event that was sent twice, or one of a given-up
   * event.
   */
  acceptLateAck(): boolean {
    if (this.lateAcks === 0) return false;
    this.lateAcks -= 1;
    return true;
  }

  /** The device has acknowledged the event at `now` and must still apply it. Only the newest such event is tracked. */
  expectApplied(frame: EventFrame, now: number): void {
    if (this.unapplied?.frame !== frame) this.unapplied = { frame, since: now, resent: false };
  }

  /** The device has applied these events. */
  markApplied(eventIds: readonly string[]): void {
    const id = this.unapplied?.frame.header.id;
    if (id !== undefined && eventIds.includes(id)) this.unapplied = undefined;
  }

  /** Returns the event that was not applied within `timeoutMs`, once; else undefined. */
  takeUnapplied(timeoutMs: number, now: number): EventFrame | undefined {
    const { unapplied } = this;
    if (!unapplied || unapplied.resent || now - unapplied.since < timeoutMs) return undefined;
    unapplied.resent = true;
    return unapplied.frame;
  }
}
