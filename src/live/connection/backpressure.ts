/** Above this many unread bytes routine events wait, and the newest of each key replaces the older ones. */
export const SLOW_BYTES = 256 * 1024;
/** Above this many unread bytes the connection is terminated at the next write. */
export const STUCK_BYTES = 1024 * 1024;
/** After this long above SLOW_BYTES a device is asked to leave and to resume from the mailbox. */
const SLOW_MS = 5_000;
/** A device whose network took no byte for this long is not reading; the story is test/failure/slow-devices. */
const STUCK_MS = 20_000;

/** What is remembered of a device that has unread bytes, from one check to the next. */
export interface BackpressureState {
  /** Bytes that the network had taken at the last check. */
  readonly sentBytes: number;
  /** When that number last grew, in milliseconds. */
  readonly progressAt: number;
  /** Since when more than SLOW_BYTES are unread. */
  readonly slowSince: number | undefined;
}

/** `slow`: it reads, but resuming from the mailbox is quicker. `stuck`: it reads nothing, not even a `goaway`. */
export type ReadState = 'fine' | 'slow' | 'stuck';

/** The counters of a transport at `now` (milliseconds). */
export interface TransportSample {
  readonly bufferedBytes: number;
  readonly sentBytes: number;
  readonly now: number;
}

/** Returns the state after one more check; undefined when everything was read. */
export function updateBackpressure(
  before: BackpressureState | undefined,
  { bufferedBytes, sentBytes, now }: TransportSample,
): BackpressureState | undefined {
  if (bufferedBytes === 0) return undefined;
  const isProgress = !before || sentBytes > before.sentBytes;
  return {
    sentBytes,
    progressAt: isProgress ? now : before.progressAt,
    slowSince: bufferedBytes > SLOW_BYTES ? (before?.slowSince ?? now) : undefined,
  };
}

/** How the device reads, as of `now` (milliseconds). */
export function readState(state: BackpressureState | undefined, now: number): ReadState {
  if (!state) return 'fine';
  if (now - state.progressAt >= STUCK_MS) return 'stuck';
  return state.slowSince !== undefined && now - state.slowSince >= SLOW_MS ? 'slow' : 'fine';
}
