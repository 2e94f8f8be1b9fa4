/** Bytes unread by a device before routine events wait for it, newest wins; and before it is cut off at once. */
export const SLOW_BYTES = 256 * 1024;
export const STUCK_BYTES = 1024 * 1024;
/** How long a device may be that far behind before it is asked to leave and resume. */
const SLOW_MS = 5_000;
/** A device that took nothing at all for this long reads no more (RELIABILITY.md, S1). */
const STUCK_MS = 20_000;

/** A device that has not read everything, looked at from time to time. */
export interface BackpressureState {
  /** Bytes that the network took from us. */
  readonly sentBytes: number;
  readonly movedAt: number;
  readonly slowSince: number | undefined;
}

export type ReadState = 'fine' | 'slow' | 'stuck';

/** What was seen of the line now. */
export interface TransportSample {
  readonly bufferedBytes: number;
  readonly sentBytes: number;
  readonly now: number;
}

/** The backlog after one more look; none when everything was read. */
export function updateBackpressure(
  before: BackpressureState | undefined,
  { bufferedBytes: buffered, sentBytes: taken, now }: TransportSample,
): BackpressureState | undefined {
  if (buffered === 0) return undefined;
  const moved = !before || taken > before.sentBytes;
  return {
    sentBytes: taken,
    movedAt: moved ? now : before.movedAt,
    slowSince: buffered > SLOW_BYTES ? (before?.slowSince ?? now) : undefined,
  };
}

/** `slow`: it should resume from the mailbox instead. `stuck`: it will not hear a goodbye either. */
export function readState(backlog: BackpressureState | undefined, now: number): ReadState {
  if (!backlog) return 'fine';
  if (now - backlog.movedAt >= STUCK_MS) return 'stuck';
  return backlog.slowSince !== undefined && now - backlog.slowSince >= SLOW_MS ? 'slow' : 'fine';
}
