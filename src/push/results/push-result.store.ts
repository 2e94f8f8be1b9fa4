import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';

const ADD = named(
  'push-results-add',
  `INSERT INTO push_result AS r (at, vendor, state, reason, count)
   SELECT date_bin('5 minutes', now(), 'epoch'), vendor, state, reason, count
   FROM json_to_recordset($1::json) AS c (vendor text, state text, reason text, count bigint)
   ORDER BY vendor COLLATE "C", state COLLATE "C", reason COLLATE "C"
   ON CONFLICT (at, vendor, state, reason) DO UPDATE SET count = r.count + excluded.count`,
);
const READ = named(
  'push-results-read',
  `SELECT vendor, state, reason, coalesce(sum(count) FILTER (WHERE at > now() - interval '1 hour'), 0)::float8 AS hour,
     sum(count)::float8 AS day
   FROM push_result WHERE at > now() - interval '24 hours' GROUP BY vendor, state, reason ORDER BY day DESC`,
);

/** How often something became of a provider's pushes; `reason` is empty without one. */
export interface CountedResult {
  readonly vendor: string;
  readonly state: string;
  readonly reason: string;
  readonly count: number;
}

/** The counts of what became of pushes: some rows for every five minutes, however many pushes there were. */
@Injectable()
export class PushResultStore {
  constructor(private readonly database: Database) {}

  /** Adds to the counts of now. */
  async add(counts: readonly CountedResult[]): Promise<void> {
    await this.database.run('routine', ADD, [JSON.stringify(counts)]);
  }

  /** Returns the counts of the last hour and the last day, the most frequent first. */
  read(): Promise<(Omit<CountedResult, 'count'> & { readonly hour: number; readonly day: number })[]> {
    return this.database.run('routine', READ, []);
  }
}
