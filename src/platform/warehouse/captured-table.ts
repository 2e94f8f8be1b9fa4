/**
 * A table whose changes go out to the warehouse. A folder contributes one for each of its tables that people ask questions about
 * (`*.warehouse.ts`), and alone names it. Without addresses, secrets, and the contents of messages.
 */
export interface CapturedTable {
  readonly name: string;
  /** In the order of the raw zone; with all of the primary key. Whoever drops one of them from the table takes it out here a version before. */
  readonly columns: readonly [string, ...string[]];
  /** The column with the id of the user whose row it is: the row is then encrypted with that user's key. Without it: the row is of nobody. */
  readonly userColumn?: string;
}

/** Injection token of the list of CapturedTable. Bound in app.module.ts, since neither platform nor the warehouse knows the features. */
export const CAPTURED_TABLES = Symbol('CAPTURED_TABLES');
