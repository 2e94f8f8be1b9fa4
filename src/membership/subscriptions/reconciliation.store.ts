import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';

const CLAIM = named(
  'reconciliation-claim',
  `WITH known AS (
     INSERT INTO reconciliation (processor, next_at) SELECT unnest($1::text[]), now() ON CONFLICT DO NOTHING
   )
   UPDATE reconciliation SET next_at = now() + $2 * interval '1 second',
     started_at = CASE WHEN cursor IS NULL THEN now() ELSE started_at END,
     compared = CASE WHEN cursor IS NULL THEN 0 ELSE compared END
   WHERE processor = (
     SELECT processor FROM reconciliation WHERE processor = ANY ($1) AND next_at <= now()
     ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
   ) RETURNING processor, cursor`,
);
const SCHEDULE_PAGE = named(
  'reconciliation-schedule',
  `UPDATE reconciliation SET cursor = coalesce($2, cursor), next_at = now() + $3 * interval '1 second', compared = compared + $4
   WHERE processor = $1`,
);
const FINISH = named(
  'reconciliation-finish',
  `UPDATE reconciliation SET cursor = NULL, finished_at = now(), next_at = now() + $2 * interval '1 second', compared = compared + $3
   WHERE processor = $1`,
);
const PROGRESS = named(
  'reconciliation-progress',
  `SELECT processor, extract(epoch FROM now() - coalesce(finished_at, started_at, next_at))::float8 AS "ageSeconds",
     (86400 * compared / greatest(1, extract(epoch FROM
       CASE WHEN cursor IS NULL AND finished_at > started_at THEN finished_at ELSE now() END - started_at)))::float8 AS "perDay"
   FROM reconciliation`,
);

/** A run over all subscriptions of one processor. */
export interface ReconciliationRun {
  readonly processor: string;
  /** Where the next page begins; null for the first page. */
  readonly cursor: string | null;
}

/** How old and how fast a processor's reconciliation is. */
export interface ReconciliationProgress {
  readonly processor: string;
  /** Seconds since the last finished run; before the first one ends, since it began. */
  readonly ageSeconds: number;
  /** Subscriptions that the present run compares in a day at its pace so far; between two runs, that the last one did. */
  readonly perDay: number;
}

/** How far each processor's run has come, so that any node can do the next page. */
@Injectable()
export class ReconciliationStore {
  constructor(private readonly database: Database) {}

  /** Leases a run whose next page is due to the caller; undefined when there is none. New processors start their first run. */
  async claim(processors: readonly string[], leaseSeconds: number): Promise<ReconciliationRun | undefined> {
    return (await this.database.run<ReconciliationRun>('routine', CLAIM, [processors, leaseSeconds]))[0];
  }

  /** Makes the next page due in `inSeconds`, and counts what the last one compared; without a next one the same page again. */
  async schedulePage(
    processor: string,
    { next, compared }: { readonly next: string | undefined; readonly compared: number },
    inSeconds: number,
  ): Promise<void> {
    await this.database.run('routine', SCHEDULE_PAGE, [processor, next ?? null, inSeconds, compared]);
  }

  /** Ends the run; the next one begins in `nextInSeconds`. */
  async finish(processor: string, compared: number, nextInSeconds: number): Promise<void> {
    await this.database.run('routine', FINISH, [processor, nextInSeconds, compared]);
  }

  /** One entry for each processor whose first run has begun. */
  progress(): Promise<ReconciliationProgress[]> {
    return this.database.run('routine', PROGRESS, []);
  }
}
