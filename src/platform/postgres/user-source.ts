/**
 * A condition: whether the query has a row, asked for each user by itself. Of a plain EXISTS PostgreSQL may read the whole table once and hash it, which is
 * right for a report and wrong for a slice of a thousand among fifty million: OFFSET 0 forbids it.
 */
export const existsForEach = (query: string): string => `EXISTS (${query} OFFSET 0)`;

/** SQL by which other folders find users in a table that is keyed by them. Arguments are SQL expressions. */
export interface UserSource {
  /** For FROM: user_id of the next `limit` users after the user `after`, by their ids, each once. */
  next(of: { after: string; limit: string }): string;
  /** A condition: whether the user is in the table. */
  has(userId: string): string;
  /**
   * For FROM: user_id of users in `percent` of the table's pages, and `weight`, which is 1 divided by how many rows the user has. So the sum of the
   * weights divided by `percent` of one estimates how many users there are.
   */
  sample(percent: string): string;
  /** A scalar (int): how many pages the table has. */
  readonly pages: string;
}

/** Returns the source of users in a table. Only the table's owner calls it, in its fragments. `hasManyRows`: a user may have several. */
export function userSource(
  table: string,
  { hasManyRows }: { readonly hasManyRows: boolean } = { hasManyRows: false },
): UserSource {
  const rowsOf = (userId: string) => `(SELECT count(*) FROM ${table} r WHERE r.user_id = ${userId})`;
  return {
    next: ({ after, limit }) =>
      `SELECT ${hasManyRows ? 'DISTINCT ' : ''}s.user_id FROM ${table} s WHERE s.user_id > ${after} ORDER BY s.user_id LIMIT ${limit}`,
    has: (userId) => existsForEach(`SELECT FROM ${table} h WHERE h.user_id = ${userId}`),
    sample: (percent) =>
      `SELECT s.user_id, ${hasManyRows ? `1.0 / ${rowsOf('s.user_id')}` : '1.0'} AS weight
      FROM ${table} s TABLESAMPLE SYSTEM (${percent})`,
    pages: `(pg_relation_size('${table}') / current_setting('block_size')::int)::int`,
  };
}
