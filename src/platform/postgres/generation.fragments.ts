/**
 * A scalar (bigint): the number below the first one of the present generation, 0 for a new database. A generation begins with each
 * failover of PostgreSQL and each restored backup, and has 2^32 numbers. Numbers that are given out from it differ from all those that
 * the server before it gave out and lost (docs/decisions/failover-with-a-lost-tail.md). Fails on a standby.
 */
export const generationBase = '(SELECT (generation + wal_timeline() - 1) << 32 FROM installation)';
