import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';

const CLAIM = named(
  'reconciliation-claim',
  `WITH known AS (
     INSERT INTO reconciliation (processor, next_at) SELECT unnest($1::text[]), now() ON CONFLICT DO NOTHING
   )
   UPDATE reconciliation SET next_at = now() + $2 * interval '1 second',
     started_at = CASE WHEN cursor IS NULL THEN now() ELSE started_at END
   WHERE processor = (
     SELECT processor FROM reconciliation WHERE processor = ANY ($1) AND next_at <= now()
     ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
   ) RETURNING processor, cursor`,
);
const CONTINUE = named(
  'reconciliation-continue',
  `UPDATE reconciliation SET cursor = coalesce($2, cursor), next_at = now() + $3 * interval '1 second' WHERE processor = $1`,
);
const FINISH = named(
  'reconciliation-finish',
  `UPDATE reconciliation SET cursor = NULL, finished_at = now(), next_at = now() + $2 * interval '1 second' WHERE processor = $1`,
);
const AGES = named(
  'reconciliation-ages',
  `SELECT processor, extract(epoch FROM now() - coalesce(finished_at, started_at, next_at))::float8 AS seconds FROM reconciliation`,
);

export interface ReconciliationRun {
  readonly processor: string;
  /** Where it is; null at the beginning. */
  readonly cursor: string | null;
}

/** How far each walk over a processor's subscriptions came, so that any node can go on with it. */
@Injectable()
export class ReconciliationStore {
  constructor(private readonly database: Database) {}

  /** A walk whose next step is due; it is the caller's for so many seconds. */
  async claim(processors: readonly string[], aloneSeconds: number): Promise<ReconciliationRun | undefined> {
    return (await this.database.run<ReconciliationRun>('routine', CLAIM, [processors, aloneSeconds]))[0];
  }

  /** The next step is due then; without a cursor it is the same step again. */
  async goOn(processor: string, cursor: string | undefined, inSeconds: number): Promise<void> {
    await this.database.run('routine', CONTINUE, [processor, cursor ?? null, inSeconds]);
  }

  async finish(processor: string, againInSeconds: number): Promise<void> {
    await this.database.run('routine', FINISH, [processor, againInSeconds]);
  }

  /** Seconds since each processor's walk was last at its end. */
  async ages(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.database.run<{ processor: string; seconds: number }>('routine', AGES, []);
    return new Map(rows.map(({ processor, seconds }) => [processor, seconds]));
  }
}
