/** How far a device has read. An offset means something only within its epoch. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** A position, and the offset up to which the server said that offsets may be skipped (compacted by key). */
export interface Cursor extends Position {
  readonly horizon: number;
}

/**
 * `apply` it is next · `duplicate` known already · `hole` something before it is missing, or its numbering is
 * not ours · `early` nothing can be said before the snapshot is here.
 */
export type Verdict = 'apply' | 'duplicate' | 'hole' | 'early';

/**
 * The gap rule. Up to the horizon events come in offset order, newest per key, so any step forward is right. Beyond it
 * every offset reaches every device, so only the very next one is. The same rule holds while a `sync` is under way:
 * then too, an event that is next is next, and one that is not is answered by the replay.
 */
export function judge(cursor: Cursor | undefined, event: { epoch?: string; offset: number }): Verdict {
  if (!cursor) return 'early';
  if (event.epoch !== undefined && event.epoch !== cursor.epoch) return 'hole';
  if (event.offset <= cursor.offset) return 'duplicate';
  // The last offsets of a replay may have been compacted away; whoever follows the horizon proves that it is over.
  const last = Math.max(cursor.offset, cursor.horizon);
  return event.offset <= last + 1 ? 'apply' : 'hole';
}

export function advance(cursor: Cursor, offset: number): Cursor {
  return { ...cursor, offset };
}

/**
 * The cursor after a `welcome` that announces a replay up to `horizon`; undefined if this replay cannot follow what we
 * have (another numbering, or one that went back), so that only a snapshot helps.
 */
export function expectReplay(cursor: Cursor | undefined, welcome: Position): Cursor | undefined {
  if (!cursor || cursor.epoch !== welcome.epoch || welcome.offset < cursor.offset) return undefined;
  return { ...cursor, horizon: welcome.offset };
}

/**
 * How long the line may have been down for a replay to be enough. With it the server tells the playback positions that
 * changed meanwhile, but only the latest of them, so after a long absence a snapshot is the whole truth.
 */
export const REPLAY_WITHIN_MS = 3_600_000;

/**
 * The position to hand in when connecting; none asks for a snapshot. A freshly started app has a stored position but no
 * state that belongs to it (the state is not stored: it would be rewritten whole with every event, and shown stale
 * after days); to resume there would leave everything before it unknown, so it asks for a snapshot too.
 */
export function positionToResume(cursor: Cursor | undefined, downMs: number): Position | undefined {
  if (!cursor || downMs > REPLAY_WITHIN_MS) return undefined;
  return { epoch: cursor.epoch, offset: cursor.offset };
}
