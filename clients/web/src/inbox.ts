import { concerns, isNumbered, type Envelope, type Numbered } from './envelope.js';
import { readSnapshot, type Welcome } from './frames.js';
import type { Acknowledge } from './line.js';
import { adopt, BLANK, fold, type Mirror } from './mirror.js';
import type { Positions } from './position.js';
import { advance, expectReplay, judge, type Cursor, type Position } from './sequence.js';

export interface InboxPort {
  readonly deviceId: string;
  readonly positions: Positions;
  now(): number;
  /** Runs the app's listeners; does not throw. */
  deliver(event: Envelope): void;
  changed(): void;
  storageFailed(): void;
}

/** What comes in: each event once, in order, and remembered only after the app's listeners ran. */
export class Inbox {
  mirror: Mirror = BLANK;
  cursor: Cursor | undefined;
  private owner: string | undefined;
  /** How far the listeners have heard, while there is no cursor: from storage, or from before the doubt. */
  private heard: Position | undefined;
  /** The furthest event that was seen but not applied. */
  private ahead: Position | undefined;

  constructor(private readonly port: InboxPort) {}

  get position(): Position | undefined {
    const at = this.cursor ?? this.heard;
    return at && { epoch: at.epoch, offset: at.offset };
  }

  /** Whether an event beyond `position` was seen that will not be sent again unasked. */
  get isBehind(): boolean {
    const limit = this.cursor && Math.max(this.cursor.offset, this.cursor.horizon);
    return (
      limit !== undefined && this.ahead?.epoch === this.cursor?.epoch && (this.ahead?.offset ?? 0) > limit
    );
  }

  /** Nothing of one user may remain when the next one signs in. True if there was another before. */
  become(userId: string): boolean {
    if (this.owner === userId) return false;
    const another = this.owner !== undefined;
    this.owner = userId;
    this.mirror = BLANK;
    this.cursor = undefined;
    this.ahead = undefined;
    this.heard = this.port.positions.load(userId);
    return another;
  }

  /** What follows this welcome; `impossible` if it cannot be followed from here, and only a snapshot helps. */
  welcome(welcome: Welcome): 'replay' | 'snapshot' | 'impossible' {
    const cursor = welcome.resume === 'replay' ? expectReplay(this.cursor, welcome.position) : undefined;
    if (!cursor) this.doubt();
    this.cursor = cursor;
    if (cursor) return 'replay';
    return welcome.resume === 'replay' ? 'impossible' : 'snapshot';
  }

  /** Asks for a snapshot next time, and still knows what the listeners have heard. */
  doubt(): void {
    this.heard = this.position;
    this.cursor = undefined;
  }

  /** False if it cannot be read. */
  snapshot(payload: unknown): boolean {
    const snapshot = readSnapshot(payload);
    if (!snapshot) return false;
    const mine = (entry: Envelope) => concerns(entry, this.port.deviceId, this.port.now());
    const entries = snapshot.mirror.entries.filter(mine);
    this.mirror = adopt(this.mirror, { ...snapshot.mirror, entries });
    for (const entry of this.unheard(snapshot.position)) this.port.deliver(entry);
    // Apply, then remember: dying in between means hearing them again, the other order means never.
    this.cursor = { ...snapshot.position, horizon: snapshot.position.offset };
    this.remember();
    return true;
  }

  /** False if something before this event is missing. */
  event(event: Envelope, acknowledge: Acknowledge): boolean {
    if (isNumbered(event)) return this.numbered(event, acknowledge);
    this.take(event);
    acknowledge();
    this.port.changed();
    return true;
  }

  private numbered(event: Numbered, acknowledge: Acknowledge): boolean {
    const verdict = judge(this.cursor, event);
    if (verdict === 'duplicate') acknowledge(); // the acknowledgement was lost, not the event
    if (verdict === 'hole' || verdict === 'early') this.noteAhead(event);
    if (verdict !== 'apply' || !this.cursor) return verdict !== 'hole';
    this.take(event);
    this.cursor = advance(this.cursor, event.offset);
    this.remember();
    acknowledge();
    return true;
  }

  private take(event: Envelope): void {
    if (!concerns(event, this.port.deviceId, this.port.now())) return;
    this.mirror = fold(this.mirror, event);
    this.port.deliver(event);
  }

  /**
   * What a snapshot holds that the listeners have not heard. On a new device that is nothing: all of it is the past.
   * In a new epoch nobody can tell any more; then the state alone speaks.
   */
  private unheard(position: Position): readonly Envelope[] {
    const heard = this.position;
    if (!heard || heard.epoch !== position.epoch) return [];
    return this.mirror.entries.filter((entry) => (entry.offset ?? 0) > heard.offset);
  }

  private remember(): void {
    if (!this.cursor || this.owner === undefined) return;
    if (!this.port.positions.save(this.owner, this.cursor)) this.port.storageFailed();
    this.port.changed();
  }

  private noteAhead(event: Numbered): void {
    const epoch = event.epoch ?? this.cursor?.epoch ?? '';
    if (this.ahead?.epoch === epoch && this.ahead.offset >= event.offset) return;
    this.ahead = { epoch, offset: event.offset };
  }
}
