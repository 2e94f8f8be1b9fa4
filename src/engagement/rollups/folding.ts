import { OTHER } from '../engagement-event.js';

/**
 * Names that a day may have, of each dimension; further ones count as OTHER. Far more than a company has, so that only a mistake reaches them: an id
 * in the place of a name would make a row of roll-ups for each event.
 */
export const VALUES_A_DAY = {
  kind: 50,
  team: 200,
  campaign: 1_000,
  template: 1_000,
  channel: 20,
  platform: 20,
  country: 300,
} as const;

/**
 * SQL: the column of the event e, with '' for none and OTHER for a name that does not fit. `folded`: a parameter (jsonb), { "<column> <day> <name>": true }
 * of these; it is empty nearly always, and the planner then leaves nothing but the column.
 */
const foldedColumn = (column: string, folded: string): string =>
  `CASE WHEN ${folded}::jsonb <> '{}' AND ${folded}::jsonb ? concat_ws(' ', '${column}', (e.at AT TIME ZONE 'UTC')::date, e.${column}) THEN '${OTHER}'
      ELSE coalesce(e.${column}, '') END`;

/** Returns the fragments of roll-up.sql. */
export const foldedColumns = (folded: string): Record<string, string> =>
  Object.fromEntries(Object.keys(VALUES_A_DAY).map((column) => [column, foldedColumn(column, folded)]));
