import { randomUUID } from 'node:crypto';
import { keyOf } from '../../mailbox/events/event.js';
import type { Position } from '../../mailbox/position.js';
import { textArray, textsOf } from '../../platform/postgres/text-array.js';
import { frontPageEvent } from '../front-page-event.js';
import type { RecommendationLine } from '../recommendation.schema.js';

/** A valid line, with its number. */
export type NumberedPage = RecommendationLine & { readonly line: number };

/** The columns of PageColumns that are parameters of statements: each a text[] as `textArray` encodes it. */
const COLUMNS = ['userIds', 'profileIds', 'versions', 'items', 'ids', 'keys'] as const;

/**
 * Front pages as PostgreSQL gets them, each user and profile at most once: a few buffers, which cost the thread that sends them nothing a
 * page. Versions and items are JSON; `ids` and `keys` are of the pages' events.
 */
export interface PageColumns extends Readonly<Record<(typeof COLUMNS)[number], Buffer<ArrayBuffer>>> {
  /** The number of each page's line. */
  readonly lines: readonly number[];
}

/** A page that was stored: its place among those that were given, from 0, and where its event is in the mailbox. */
export interface MergedPage {
  readonly row: number;
  readonly position: Position;
}

/** Returns the pages as columns, with new ids for their events. */
export function columnsOf(pages: readonly NumberedPage[]): PageColumns {
  const ids = pages.map(() => randomUUID());
  // The key follows from the profile alone.
  const keys = pages.map(({ userId, profileId, version }, n) =>
    keyOf(ids[n] as string, frontPageEvent({ userId, profileId, version, items: [] })),
  );
  return {
    lines: pages.map(({ line }) => line),
    userIds: textArray(pages.map(({ userId }) => userId)),
    profileIds: textArray(pages.map(({ profileId }) => profileId)),
    versions: textArray(pages.map(({ version }) => JSON.stringify(version))),
    items: textArray(pages.map(({ items }) => JSON.stringify(items))),
    ids: textArray(ids),
    keys: textArray(keys),
  };
}

/** Returns the memory of the columns, which is theirs alone: it can be moved to another thread. */
export const memoryOf = (columns: PageColumns): ArrayBuffer[] => COLUMNS.map((name) => columns[name].buffer);

/** Returns columns that came from another thread: a Buffer arrives as a Uint8Array. */
export const received = (columns: PageColumns): PageColumns => ({
  ...mapColumns(columns, toBuffer),
  lines: columns.lines,
});

/** Returns the rows at these places, which are counted from 0, in their order. */
export function pick(columns: PageColumns, rows: readonly number[]): PageColumns {
  if (rows.length === columns.lines.length) return columns;
  const chosen = <T>(all: readonly T[]): T[] => rows.map((row) => all[row] as T);
  return {
    ...mapColumns(columns, (column) => textArray(chosen(textsOf(column)))),
    lines: chosen(columns.lines),
  };
}

const toBuffer = ({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> =>
  Buffer.from(buffer, byteOffset, length);

const mapColumns = (
  columns: PageColumns,
  change: (column: Buffer<ArrayBuffer>) => Buffer<ArrayBuffer>,
): Omit<PageColumns, 'lines'> => ({
  userIds: change(columns.userIds),
  profileIds: change(columns.profileIds),
  versions: change(columns.versions),
  items: change(columns.items),
  ids: change(columns.ids),
  keys: change(columns.keys),
});
