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
const SCHEDULE_PAGE = named(
  'reconciliation-schedule',
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

/** A run over all subscriptions of one processor. */
export interface ReconciliationRun {
  readonly processor: string;
  /** Where the next page begins; null for the first page. */
  readonly cursor: string | null;
}

/** How far each processor's run has come, so that any node can do the next page. */
@Injectable()
export class ReconciliationStore {
  constructor(private readonly database: Database) {}

  /** Leases a run whose next page is due to the caller; undefined when there is none. New processors start their first run. */
  async claim(processors: readonly string[], leaseSeconds: number): Promise<ReconciliationRun | undefined> {
    return (await this.database.run<ReconciliationRun>('routine', CLAIM, [processors, leaseSeconds]))[0];
  }

  /** Makes the next page due in `inSeconds`; without a cursor the same page again. */
  async schedulePage(processor: string, cursor: string | undefined, inSeconds: number): Promise<void> {
    await this.database.run('routine', SCHEDULE_PAGE, [processor, cursor ?? null, inSeconds]);
  }

  /** Ends the run; the next one begins in `nextInSeconds`. */
  async finish(processor: string, nextInSeconds: number): Promise<void> {
    await this.database.run('routine', FINISH, [processor, nextInSeconds]);
  }

  /** Seconds since the last finished run, by processor; before the first one ends, since it began. */
  async ages(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.database.run<{ processor: string; seconds: number }>('routine', AGES, []);
    return new Map(rows.map(({ processor, seconds }) => [processor, seconds]));
  }
}
