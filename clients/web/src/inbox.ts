import {
  beginReplay,
  checkOffset,
  isKnownBroadcast,
  type BroadcastPosition,
  type Cursor,
  type Position,
} from './cursor.js';
import {
  isBroadcast,
  isDurable,
  isRelevant,
  type BroadcastEnvelope,
  type DurableEnvelope,
  type Envelope,
} from './envelope.js';
import type { Progress } from './events.js';
import { parseSnapshot, type Snapshot, type Welcome } from './frames.js';
import type { PositionStore } from './position-store.js';
import { applyEvent, applyProgress, applySnapshot } from './reducer.js';
import type { Acknowledge } from './socket-connection.js';
import { EMPTY_STATE, type UserState } from './state.js';

export interface InboxOptions {
  readonly deviceId: string;
  readonly positionStore: PositionStore;
  /** The server's time in ms. */
  now(): number;
  /** Runs the app's listeners. Must not throw. */
  onEvent(event: Envelope): void;
  /** The state or the position may have changed. */
  onChange(): void;
  /** The position could not be stored. */
  onStorageError(): void;
}

/**
 * Receives snapshots and events. Delivers each durable event once and in order, and stores the position only after the app's
 * listeners ran: an app that dies in between receives the event again. The other order would lose it.
 */
export class Inbox {
  private userState = EMPTY_STATE;
  private currentCursor: Cursor | undefined;
  private userId: string | undefined;
  /** The position of the last delivered event while there is no cursor: a stored one, or that of the discarded cursor. */
  private deliveredPosition: Position | undefined;
  /** The last broadcast that was delivered. */
  private lastBroadcast: BroadcastPosition | undefined;
  /** Pages of a snapshot are still to come. */
  private isSnapshotOpen = false;
  /** The newest position, as the welcome says. */
  private head: Position | undefined;
  /** Events up to here are not delivered to the app: they were, or are the past of a new device. */
  private past: Position | undefined;
  /** The highest event that was received and not applied. */
  private highestSkipped: Position | undefined;
  private isClosed = false;

  constructor(private readonly options: InboxOptions) {}

  get state(): UserState {
    return this.userState;
  }

  get cursor(): Cursor | undefined {
    return this.currentCursor;
  }

  get position(): Position | undefined {
    const position = this.currentCursor ?? this.deliveredPosition;
    return position && { epoch: position.epoch, offset: position.offset };
  }

  /** How far this device has read what is said to everyone. */
  get broadcastPosition(): BroadcastPosition | undefined {
    return this.lastBroadcast;
  }

  /** True if an event beyond the cursor and its replay was received. The server does not send it again unless asked. */
  get isBehind(): boolean {
    if (!this.currentCursor || this.highestSkipped?.epoch !== this.currentCursor.epoch) return false;
    return this.highestSkipped.offset > Math.max(this.currentCursor.offset, this.currentCursor.replayEnd);
  }

  /** Discards everything of the previous user. Returns true if there was another one. */
  setUser(userId: string): boolean {
    if (this.userId === userId) return false;
    const hadOtherUser = this.userId !== undefined;
    this.userId = userId;
    this.userState = EMPTY_STATE;
    this.currentCursor = undefined;
    this.highestSkipped = undefined;
    this.past = undefined;
    const stored = this.options.positionStore.load(userId);
    this.deliveredPosition = stored;
    this.lastBroadcast =
      stored?.broadcast === undefined ? undefined : { epoch: stored.epoch, number: stored.broadcast };
    return hadOtherUser;
  }

  /** Returns what follows the welcome. `mismatch`: its replay does not continue our position, and only a snapshot helps. */
  handleWelcome(welcome: Welcome): 'replay' | 'snapshot' | 'mismatch' {
    const cursor =
      welcome.resume === 'replay' ? beginReplay(this.currentCursor, welcome.position) : undefined;
    if (!cursor) this.discardCursor();
    this.currentCursor = cursor;
    this.head = welcome.position;
    this.isSnapshotOpen = false;
    if (cursor) return 'replay';
    return welcome.resume === 'replay' ? 'mismatch' : 'snapshot';
  }

  /** The next connection asks for a snapshot. Which events were delivered is remembered. */
  discardCursor(): void {
    this.deliveredPosition = this.position;
    this.currentCursor = undefined;
  }

  /**
   * Applies a snapshot, or the next page of one, and delivers what the app has missed. `incomplete`: another page follows.
   * `unreadable`: only a new connection helps. `closed`: a listener closed the client, and the rest waits for the next one.
   */
  handleSnapshot(payload: unknown): 'complete' | 'incomplete' | 'unreadable' | 'closed' {
    const snapshot = parseSnapshot(payload);
    if (!snapshot) return 'unreadable';
    const entries = snapshot.state.entries.filter((entry) => this.isRelevant(entry));
    if (this.isSnapshotOpen) this.userState = entries.reduce(applyEvent, this.userState);
    else this.beginSnapshot({ ...snapshot, state: { ...snapshot.state, entries } });
    const { epoch, offset } = snapshot.position;
    for (const entry of entries.filter((each) => !this.isPast(each))) {
      this.options.onEvent(entry);
      if (this.isClosed) return this.stopAt(epoch, entry);
    }
    this.isSnapshotOpen = snapshot.hasMore;
    this.currentCursor = { epoch, offset, replayEnd: offset };
    this.savePosition();
    return snapshot.hasMore ? 'incomplete' : 'complete';
  }

  /** Applies, delivers and acknowledges an event. Returns false if an event before it is missing. */
  handleEvent(event: Envelope, acknowledge: Acknowledge): boolean {
    if (isDurable(event)) return this.handleDurable(event, acknowledge);
    if (isBroadcast(event)) return this.handleBroadcast(event, acknowledge);
    this.deliver(event);
    acknowledge();
    this.options.onChange();
    return true;
  }

  /** Adds this device's own playback position to the state. Of two of the same time the later call is the newer one. */
  addProgress(progress: Progress): void {
    const playback = this.userState.playback.filter((row) => !isSameInstant(row, progress));
    this.userState = applyProgress({ ...this.userState, playback }, progress);
    this.options.onChange();
  }

  /** The client was closed: nothing more is delivered, and nothing stored that was not delivered. */
  close(): void {
    this.isClosed = true;
  }

  /** Stores how far a snapshot was delivered. Its entries are in offset order. */
  private stopAt(epoch: string, { offset }: Envelope): 'closed' {
    if (offset !== undefined) this.currentCursor = { epoch, offset, replayEnd: offset };
    this.savePosition();
    return 'closed';
  }

  private handleDurable(event: DurableEnvelope, acknowledge: Acknowledge): boolean {
    const check = checkOffset(this.currentCursor, event);
    if (check === 'duplicate') acknowledge(); // the first acknowledgement was lost
    if (check === 'gap' || check === 'no_cursor') this.recordSkipped(event);
    if (check !== 'next' || !this.currentCursor) return check !== 'gap';
    this.deliver(event);
    this.currentCursor = { ...this.currentCursor, offset: event.offset };
    this.savePosition();
    acknowledge();
    return true;
  }

  /** Delivers what is said to everyone. It is no part of the user's state, and none is missing: the server sends all after our number. */
  private handleBroadcast(event: BroadcastEnvelope, acknowledge: Acknowledge): true {
    const position = { epoch: event.epoch, number: event.broadcast };
    if (!isKnownBroadcast(this.lastBroadcast, position)) {
      if (this.isRelevant(event)) this.options.onEvent(event);
      this.lastBroadcast = position;
      this.savePosition();
    }
    acknowledge();
    return true;
  }

  private deliver(event: Envelope): void {
    if (!this.isRelevant(event)) return;
    this.userState = applyEvent(this.userState, event);
    if (!this.isPast(event)) this.options.onEvent(event);
  }

  /**
   * Remembers which of the snapshot's events are the past: those that the app has received. On a new device that is all of them,
   * and in a new epoch nobody can tell, so the app has only the state to go by. It is still so if the connection ends between
   * two pages, and the next one replays the rest.
   */
  private beginSnapshot({ position, state }: Snapshot): void {
    const { past, position: delivered } = this;
    const head = this.head?.epoch === position.epoch ? this.head : position;
    const known = delivered?.epoch === position.epoch ? delivered : head;
    this.past = past?.epoch === known.epoch && past.offset > known.offset ? past : known;
    this.userState = applySnapshot(this.userState, state);
  }

  private isPast({ epoch, offset }: Envelope): boolean {
    const { past } = this;
    return !!past && offset !== undefined && offset <= past.offset && (epoch ?? past.epoch) === past.epoch;
  }

  private isRelevant(event: Envelope): boolean {
    return isRelevant(event, this.options.deviceId, this.options.now());
  }

  /** A position within the past is not stored: after a restart the rest of the past would be delivered. */
  private savePosition(): void {
    if (!this.currentCursor || this.userId === undefined) return;
    const { past, currentCursor } = this;
    if (past?.epoch === currentCursor.epoch && currentCursor.offset < past.offset)
      return this.options.onChange();
    const { epoch, offset } = currentCursor;
    const broadcast = this.lastBroadcast?.epoch === epoch ? this.lastBroadcast.number : undefined;
    if (
      !this.options.positionStore.save(this.userId, {
        epoch,
        offset,
        ...(broadcast !== undefined && { broadcast }),
      })
    )
      this.options.onStorageError();
    this.options.onChange();
  }

  private recordSkipped(event: DurableEnvelope): void {
    const epoch = event.epoch ?? this.currentCursor?.epoch ?? '';
    if (this.highestSkipped?.epoch === epoch && this.highestSkipped.offset >= event.offset) return;
    this.highestSkipped = { epoch, offset: event.offset };
  }
}

function isSameInstant(a: Progress, b: Progress): boolean {
  return a.profileId === b.profileId && a.showId === b.showId && a.deviceId === b.deviceId && a.at === b.at;
}
