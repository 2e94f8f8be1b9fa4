/** Returns a sentence for each fault of a later migration's SQL. */
export function faultsOf(sql: string): string[];
