/**
 * How far a device has read its user's mailbox. Offsets count the user's durable events from 1, and go on 2^32 higher after a failover
 * (docs/decisions/failover-with-a-lost-tail.md); an offset means nothing in another epoch, the identity of another database.
 */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/**
 * A device that is further behind than this many offsets is sent the whole state instead of the events: reading the state costs less
 * then (docs/CONTRACT.md, The device socket).
 */
export const MAX_REPLAY = 300;

/** The same for a device that has missed more than so many bytes: what waits for slow devices is held in memory. */
export const MAX_REPLAY_BYTES = 1024 * 1024;

/**
 * Bytes of events in one page of a snapshot, of a replay, or of `GET /v1/me/entries`. On a line of 64 kB/s a page takes four
 * seconds, so that pings, which wait behind it, are answered in time.
 */
export const PAGE_BYTES = 256 * 1024;
