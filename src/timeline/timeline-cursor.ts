import { z } from 'zod';
import { plainText } from '../platform/http/text.schema.js';

/** A place in the timeline, between steps of the same millisecond too: see read-timeline.sql. */
export interface TimelinePlace {
  /** ISO 8601. */
  readonly at: string;
  /** The kind of step. */
  readonly rank: number;
  /** Which of the steps of its kind. */
  readonly ref: string;
}

const place = z.tuple([z.iso.datetime(), z.int().min(0).max(9), plainText(1_000)]);

/** PostgreSQL knows no year 0 and fewer time zones than ISO 8601; nothing happened before 1970. */
const storable = (instant: string): string => new Date(Math.max(0, Date.parse(instant))).toISOString();

/** The place behind all steps of that instant; ISO 8601. */
export const placeBefore = (instant: string): TimelinePlace => ({ at: storable(instant), rank: 0, ref: '' });

/** Returns the place as text that is opaque to callers and fits into a URL. */
export const encodeCursor = ({ at, rank, ref }: TimelinePlace): string =>
  Buffer.from(JSON.stringify([at, rank, ref])).toString('base64url');

/** Returns the place of a cursor; undefined when the text is none. */
export function decodeCursor(cursor: string): TimelinePlace | undefined {
  try {
    const [at, rank, ref] = place.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { at: storable(at), rank, ref };
  } catch {
    return undefined;
  }
}
