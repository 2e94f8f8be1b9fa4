import type { OutboundFrame, Transport } from './transport.js';
import type { Frame } from './frame.js';

/** A durable event that the device has not acknowledged. */
interface Owed {
  readonly frame: Frame;
  readonly sentAt: number;
  readonly again: boolean;
}

/** A plan change that the device acknowledged and has not applied. */
interface Unapplied {
  readonly addressed: OutboundFrame;
  readonly since: number;
  again: boolean;
}

/** What a device owes for the durable events that it was sent: an ack for each, and for some that it applied them. */
export class AckTracker {
  private readonly owed = new Map<number, Owed>();
  private unapplied: Unapplied | undefined;
  /** Acks that may still come for what was sent twice or given up. */
  private lateAcks = 0;

  get acks(): number {
    return this.owed.size;
  }

  track(ackId: number, frame: Frame, now: number): void {
    this.owed.set(ackId, { frame, sentAt: now, again: false });
  }

  /** The device has it. */
  acknowledged(ackId: number): void {
    this.owed.delete(ackId);
  }

  /**
   * Sends once more what the device did not acknowledge within `timeoutMs`, and gives up what it then still did not: it
   * gets that with its next connection. Answers the frames that were given up.
   */
  resendDue(line: Transport, timeoutMs: number, now: number): Frame[] {
    const due = [...this.owed].filter(([, { sentAt }]) => now - sentAt >= timeoutMs);
    const again = due.filter(([, owed]) => !owed.again);
    for (const [id, { frame }] of again) this.owed.set(id, { frame, sentAt: now, again: true });
    if (again.length > 0) line.write(again.map(([, { frame }]) => frame));
    const lost = due.filter(([, owed]) => owed.again);
    this.lateAcks += due.length;
    for (const [id] of lost) {
      this.owed.delete(id);
      line.forgetAck(id);
    }
    return lost.map(([, { frame }]) => frame);
  }

  /** Whether an ack that nobody waits for has its reason with us. */
  acceptLateAck(): boolean {
    if (this.lateAcks === 0) return false;
    this.lateAcks -= 1;
    return true;
  }

  /** The device has the event, and should carry it out. */
  mustApply(addressed: OutboundFrame, now: number): void {
    if (this.unapplied?.addressed !== addressed) this.unapplied = { addressed, since: now, again: false };
  }

  applied(eventIds: readonly string[]): void {
    const id = this.unapplied?.addressed.frame.heading.id;
    if (id !== undefined && eventIds.includes(id)) this.unapplied = undefined;
  }

  /** What the device has not applied within `patienceMs`, once. */
  unappliedSince(patienceMs: number, now: number): OutboundFrame | undefined {
    const { unapplied } = this;
    if (!unapplied || unapplied.again || now - unapplied.since < patienceMs) return undefined;
    unapplied.again = true;
    return unapplied.addressed;
  }
}
