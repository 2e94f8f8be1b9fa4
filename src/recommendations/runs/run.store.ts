import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { RejectedLine } from '../../platform/http/body/json-line.js';
import type { OnInvalid } from '../recommendation.schema.js';
import type { RunCounts, RunStatus } from './runs.schema.js';

const BEGIN = named(
  'recommendation-run-begin',
  'INSERT INTO recommendation_run (id, key_id, on_invalid) VALUES ($1, $2, $3)',
);
const END = named(
  'recommendation-run-end',
  `UPDATE recommendation_run SET status = $2, counts = $3, rejected = $4, error = $5, ended_at = now() WHERE id = $1`,
);
/** $2: what is counted so far. */
const PROGRESS = named(
  'recommendation-run-progress',
  `UPDATE recommendation_run SET counts = $2, seen_at = now() WHERE id = $1 AND ended_at IS NULL`,
);
/** A node stores how far it is every PROGRESS_EVERY_MS (runs.service.ts), and reading a file pauses for ten seconds at most. */
const SILENT_SECONDS = 60;
const isSilent = `ended_at IS NULL AND coalesce(seen_at, started_at) < now() - interval '${SILENT_SECONDS} seconds'`;
const COLUMNS = `id, key_id AS "keyId", on_invalid AS "onInvalid", CASE WHEN ${isSilent} THEN 'interrupted' ELSE status END AS status,
  iso(started_at) AS "startedAt", iso(ended_at) AS "endedAt",
  CASE WHEN ended_at IS NOT NULL OR seen_at IS NOT NULL THEN counts END AS counts, error`;
const LIST = named(
  'recommendation-run-list',
  `SELECT ${COLUMNS} FROM recommendation_run
   WHERE started_at <= coalesce($1::timestamptz, 'infinity') AND ($1::timestamptz IS NULL OR (started_at, id) < ($1::timestamptz, $2::uuid))
   ORDER BY started_at DESC, id DESC LIMIT $3`,
);
const DESCRIBE = named(
  'recommendation-run-describe',
  `SELECT ${COLUMNS}, rejected FROM recommendation_run WHERE id = $1`,
);

/** A nightly file that was sent. Times are ISO 8601. */
export interface ListedRun {
  readonly id: string;
  readonly keyId: string;
  readonly onInvalid: OnInvalid;
  readonly status: RunStatus;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly counts: RunCounts | null;
  readonly error: { readonly code: string; readonly detail: string } | null;
}

/** The same with the first lines that were rejected. */
export interface DescribedRun extends ListedRun {
  readonly rejected: readonly RejectedLine[];
}

/** How a run ended. */
export interface RunEnd extends Pick<ListedRun, 'status' | 'error'> {
  readonly counts: RunCounts;
  readonly rejected: readonly RejectedLine[];
}

/**
 * The nightly files that were sent, and what became of each: two statements a file, and one for every few seconds that it takes. On other connections than the files' own, for which they
 * might wait as long as for the files.
 */
@Injectable()
export class RunStore {
  constructor(private readonly database: Database) {}

  async begin(id: string, keyId: string, onInvalid: OnInvalid): Promise<void> {
    await this.database.run('important', BEGIN, [id, keyId, onInvalid]);
  }

  async progress(id: string, counts: RunCounts): Promise<void> {
    await this.database.run('important', PROGRESS, [id, JSON.stringify(counts)]);
  }

  async end(id: string, { status, counts, rejected, error }: RunEnd): Promise<void> {
    const values = [
      id,
      status,
      JSON.stringify(counts),
      JSON.stringify(rejected),
      error && JSON.stringify(error),
    ];
    await this.database.run('important', END, values);
  }

  /** At most `limit` runs, the newest first; only those behind the one that started then with that id. */
  list(after: readonly [startedAt: string, id: string] | undefined, limit: number): Promise<ListedRun[]> {
    const [startedAt = null, id = null] = after ?? [];
    return this.database.run('important', LIST, [startedAt, id, limit]);
  }

  /** Undefined when there is no such run. */
  async describe(id: string): Promise<DescribedRun | undefined> {
    return (await this.database.run<DescribedRun>('important', DESCRIBE, [id]))[0];
  }
}
