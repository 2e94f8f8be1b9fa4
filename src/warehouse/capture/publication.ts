import type { CapturedTable } from '../../platform/warehouse/captured-table.js';

/** What PostgreSQL publishes of a table. */
export type PublishedTable = Pick<CapturedTable, 'name'> & { readonly columns: readonly string[] };

/** The name of the publication, one for each database. */
export const PUBLICATION = 'usher_warehouse';

const quoted = (name: string): string => `"${name}"`;
/** Changes of a partition are those of its table. */
const OPTIONS = 'WITH (publish_via_partition_root = true)';
const listOf = (tables: readonly CapturedTable[]): string =>
  tables.map(({ name, columns }) => `${quoted(name)} (${columns.map(quoted).join(', ')})`).join(', ');
const keyOf = (tables: readonly PublishedTable[]): string =>
  tables
    .map(({ name, columns }) => `${name}(${[...columns].toSorted().join()})`)
    .toSorted()
    .join();

/**
 * Returns the statement that makes the publication have these tables and no other columns of them; undefined if it has. `published`: what it has;
 * undefined if there is none.
 */
export function changePublication(
  tables: readonly CapturedTable[],
  published: readonly PublishedTable[] | undefined,
): string | undefined {
  if (published === undefined)
    return `CREATE PUBLICATION ${PUBLICATION} FOR TABLE ${listOf(tables)} ${OPTIONS}`;
  if (keyOf(tables) === keyOf(published)) return undefined;
  return `ALTER PUBLICATION ${PUBLICATION} SET TABLE ${listOf(tables)}`;
}
