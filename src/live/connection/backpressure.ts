/** Above this many unread bytes routine events wait, and the newest of each key replaces the older ones. */
export const SLOW_BYTES = 256 * 1024;
/** Above this many unread bytes nothing more is written: what follows waits until the device has read. */
export const HOLD_BYTES = 1024 * 1024;
/** Nor while this many events are not acknowledged, though the network took them. */
export const HOLD_EVENTS = 2_000;
/** When more than this waits as well, the connection is terminated: the mailbox has it all, and holds it for nothing. */
export const MAX_WAITING_BYTES = 1024 * 1024;
/** After this long above SLOW_BYTES, without getting any nearer to it, a device is asked to leave and to resume from the mailbox. */
const SLOW_MS = 5_000;
/** A device that took and acknowledged nothing for this long is not reading; the story is test/failure/overload/slow-devices. */
const STUCK_MS = 20_000;

/** What is remembered of a device that has unread bytes, from one check to the next. */
export interface BackpressureState {
  /** Bytes that the network had taken at the last check. */
  readonly sentBytes: number;
  /** Acknowledgements that had come by then. */
  readonly acknowledged: number;
  /** When one of the two last grew, in milliseconds. */
  readonly progressAt: number;
  /** Since when more than SLOW_BYTES are unread and have not become fewer. */
  readonly slowSince: number | undefined;
  /** The fewest unread bytes since the device was behind. */
  readonly fewestBytes: number;
}

/** `slow`: it reads, but resuming from the mailbox is quicker. `stuck`: it reads nothing, not even a `goaway`. */
export type ReadState = 'fine' | 'slow' | 'stuck';

/** The counters of a connection at `now` (milliseconds, monotonic). */
export interface ProgressSample {
  readonly bufferedBytes: number;
  readonly sentBytes: number;
  readonly acknowledged: number;
  readonly now: number;
}

/**
 * Returns the state after one more check; undefined when everything was read. What counts is progress, not size: a history that
 * was just written to a slow line is large and becomes smaller.
 */
export function updateBackpressure(
  before: BackpressureState | undefined,
  { bufferedBytes, sentBytes, acknowledged, now }: ProgressSample,
): BackpressureState | undefined {
  if (bufferedBytes === 0) return undefined;
  const isProgress = !before || sentBytes > before.sentBytes || acknowledged > before.acknowledged;
  const isNearer = bufferedBytes < (before?.fewestBytes ?? Infinity);
  const isBehind = bufferedBytes > SLOW_BYTES;
  return {
    sentBytes,
    acknowledged,
    progressAt: isProgress ? now : before.progressAt,
    slowSince: isBehind ? (isNearer ? now : (before?.slowSince ?? now)) : undefined,
    fewestBytes: isBehind ? Math.min(bufferedBytes, before?.fewestBytes ?? Infinity) : Infinity,
  };
}

/** How the device reads, as of `now` (milliseconds, monotonic). */
export function readState(state: BackpressureState | undefined, now: number): ReadState {
  if (!state) return 'fine';
  if (now - state.progressAt >= STUCK_MS) return 'stuck';
  return state.slowSince !== undefined && now - state.slowSince >= SLOW_MS ? 'slow' : 'fine';
}
