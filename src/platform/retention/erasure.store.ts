import { Inject, Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../postgres/database.js';
import { USER_ERASURES, type UserErasure } from './user-erasure.js';

/** Erases a person's rows from the tables of all folders. */
@Injectable()
export class ErasureStore {
  constructor(
    private readonly database: Database,
    @Inject(USER_ERASURES) private readonly erasures: readonly UserErasure[],
  ) {}

  /**
   * One transaction a folder, not one for all: it would hold locks in every table at once, and others lock them in other orders. If it
   * fails in between, it is to be called again. `finish` runs in the last transaction.
   */
  async erase(userId: string, finish: (tx: Transaction) => Promise<void>): Promise<void> {
    for (const [n, { statements }] of this.erasures.entries())
      await this.database.transaction('important', async (tx) => {
        for (const statement of statements) await tx.run(statement, [userId]);
        if (n === this.erasures.length - 1) await finish(tx);
      });
  }
}
