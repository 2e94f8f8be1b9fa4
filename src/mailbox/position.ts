/**
 * How far a device has read its user's mailbox. Offsets count the user's durable events from 1; an offset means nothing in another
 * epoch, for the mailbox may have been restored from a backup in between (docs/operations.md, Backups and the epoch).
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
