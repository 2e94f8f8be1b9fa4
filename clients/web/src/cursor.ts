import { isOffset, isRecord } from './validation.js';

/** How far a device has read its user's mailbox. An offset means something only within its epoch. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** How far a device has read the broadcasts. Their numbers belong to the same epochs as offsets. */
export interface BroadcastPosition {
  readonly epoch: string;
  readonly number: number;
}

/** What is stored of a device: its position, and the number of the last broadcast of the same epoch, if there was one. */
export interface StoredPosition extends Position {
  readonly broadcast?: number;
}

/** A position within the current connection. */
export interface Cursor extends Position {
  /** The last offset of the replay. Up to it offsets may be missing: only the newest event of each key is replayed. */
  readonly replayEnd: number;
}

/**
 * What an event's offset means to this device: `next` apply it · `duplicate` it was applied before · `gap` an event before it
 * is missing, or it has another epoch · `no_cursor` unknown until the snapshot arrives.
 */
export type OffsetCheck = 'next' | 'duplicate' | 'gap' | 'no_cursor';

/**
 * Detects gaps. During a replay events arrive in offset order, newest of each key, so every higher offset is right. After it
 * each offset reaches each device, so only the very next one is. The same rule holds while a `sync` is in flight: its replay
 * repeats everything that this rule rejects.
 */
export function checkOffset(
  cursor: Cursor | undefined,
  event: { epoch?: string; offset: number },
): OffsetCheck {
  if (!cursor) return 'no_cursor';
  if (event.epoch !== undefined && event.epoch !== cursor.epoch) return 'gap';
  if (event.offset <= cursor.offset) return 'duplicate';
  // The last offsets of a replay may have been superseded. The first event after `replayEnd` shows that the replay is over.
  const lastKnown = Math.max(cursor.offset, cursor.replayEnd);
  return event.offset <= lastKnown + 1 ? 'next' : 'gap';
}

/**
 * Returns the cursor after a `welcome` that announces a replay up to its position. Returns undefined if that replay cannot
 * continue from our cursor (another epoch, or a lower offset): then only a snapshot helps.
 */
export function beginReplay(cursor: Cursor | undefined, welcome: Position): Cursor | undefined {
  if (!cursor || cursor.epoch !== welcome.epoch || welcome.offset < cursor.offset) return undefined;
  return { ...cursor, replayEnd: welcome.offset };
}

/**
 * After a longer downtime the client asks for a snapshot. A replay carries only the latest of the playback positions that
 * changed meanwhile (docs/CONTRACT.md, "From the server").
 */
export const MAX_REPLAY_DOWNTIME_MS = 3_600_000;

/**
 * Returns the position to resume from, or undefined to ask for a snapshot. A restarted app has a stored position but no state
 * that belongs to it, because the state is not stored: it would be rewritten with each event, and be outdated after days. A
 * replay from there would leave out everything before it, so such an app asks for a snapshot too.
 */
export function getResumePosition(cursor: Cursor | undefined, downMs: number): Position | undefined {
  if (!cursor || downMs > MAX_REPLAY_DOWNTIME_MS) return undefined;
  return { epoch: cursor.epoch, offset: cursor.offset };
}

/** True if the device has had this broadcast. Numbers grow, but not always by one. */
export function isKnownBroadcast(known: BroadcastPosition | undefined, event: BroadcastPosition): boolean {
  return known?.epoch === event.epoch && event.number <= known.number;
}

/** Returns the position in `value`, or undefined if there is none. */
export function parsePosition(value: unknown): Position | undefined {
  if (!isRecord(value) || typeof value['epoch'] !== 'string' || !isOffset(value['offset'])) return undefined;
  return { epoch: value['epoch'], offset: value['offset'] };
}
