import { Database, type DatabaseLane, type Transaction } from '../../../src/platform/postgres/database.js';

/** A database whose worker dies at its statement number `dyingAt` (1, 2, …) of a transaction, or at the commit that would follow. */
export class DyingDatabase extends Database {
  dyingAt: number | 'commit' | undefined;

  override transaction<T>(lane: DatabaseLane, work: (tx: Transaction) => Promise<T>): Promise<T> {
    let statements = 0;
    return super.transaction(lane, async (tx) => {
      const result = await work({
        ...tx,
        run: (statement, values) => {
          statements += 1;
          if (statements === this.dyingAt) throw new Error('the worker was killed');
          return tx.run(statement, values);
        },
      });
      if (this.dyingAt === 'commit') throw new Error('the worker was killed');
      return result;
    });
  }
}
