import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { pageOf } from '../../platform/http/cursor.schema.js';
import { Problem } from '../../platform/http/problem.js';
import { toProblem } from '../../platform/http/to-problem.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { IngestService, type IngestTally, newTally } from '../ingest/ingest.service.js';
import type { OnInvalid } from '../recommendation.schema.js';
import { type DescribedRun, type ListedRun, type RunEnd, RunStore } from './run.store.js';
import type { RunCounts, RunsQuery } from './runs.schema.js';

/** Rejected lines that are stored; the response has more of them. */
const MAX_STORED_REJECTIONS = 100;
/** Files that a node holds in memory at once, to refuse them as a whole if a line is wrong. */
const MAX_CHECKED_AT_ONCE = 2;
const BUSY_RETRY_MS = 5_000;
/** How often a run that goes on is marked as such. */
const PROGRESS_EVERY_MS = 5_000;

/** Nothing of the file was written, since a line of it is wrong. */
class FileRefused extends Problem {}

/** A nightly file that is being ingested, with what became of it so far. */
export interface Run {
  readonly id: string;
  readonly onInvalid: OnInvalid;
  readonly tally: IngestTally;
}

/** Ingests nightly files, and keeps what became of each. */
@Injectable()
export class RunsService {
  private readonly log = new Logger('recommendations');
  private checking = 0;
  /** The files that are being ingested here, with the monotonic times at which each began and got on last. */
  private readonly running = new Map<string, { readonly since: number; progressAt: number }>();

  constructor(
    private readonly store: RunStore,
    private readonly ingester: IngestService,
    metrics: MetricsService,
  ) {
    metrics.gauge(
      'recommendation_runs_oldest_seconds',
      'Since the oldest nightly file began that this node is ingesting; 0: there is none.',
      'max',
      () => this.longest(({ since }) => since),
    );
    metrics.gauge(
      'recommendation_runs_idle_seconds',
      'Since the nightly file got on last that has stood still longest; 0: none is being ingested. It grows: whoever sends it has stopped, or PostgreSQL has.',
      'max',
      () => this.longest(({ progressAt }) => progressAt),
    );
  }

  /** `keyId`: by whose service key. Throws what the database throws: then nothing of the file would be written either. */
  async begin(keyId: string, onInvalid: OnInvalid): Promise<Run> {
    const id = randomUUID();
    await this.store.begin(id, keyId, onInvalid);
    return { id, onInvalid, tally: newTally() };
  }

  /**
   * Ingests the file, and counts in the run's tally; yields after each batch and at the end, when what became of it is stored. Throws Problem
   * invalid_request when it is refused, payload_too_large and rate_limited when it cannot be checked first, and what IngestService.ingest throws.
   */
  async *ingest(run: Run, body: AsyncIterable<Uint8Array>): AsyncGenerator<void> {
    const progress = { since: monotonicNow(), progressAt: monotonicNow() };
    this.running.set(run.id, progress);
    try {
      const file = run.onInvalid === 'refuse' ? await this.check(run, body) : body;
      let storedAt = performance.now();
      for await (const _ of this.ingester.ingest(file, run.tally)) {
        progress.progressAt = monotonicNow();
        if (performance.now() - storedAt > PROGRESS_EVERY_MS) {
          await this.storeProgress(run);
          storedAt = performance.now();
        }
        yield;
      }
    } catch (error) {
      const { code, detail } = toProblem(error);
      await this.end(run, error instanceof FileRefused ? 'refused' : 'failed', { code, detail });
      throw error;
    } finally {
      this.running.delete(run.id);
    }
    await this.end(run, 'done', null);
  }

  /** Returns the runs, the newest first; `next` is the `before` of the next page. */
  async list({ before, limit }: RunsQuery): Promise<{ runs: ListedRun[]; next?: string }> {
    const rows = await this.store.list(before, limit + 1);
    const { page, ...next } = pageOf(rows, limit, ({ startedAt, id }) => [startedAt, id]);
    return { runs: page, ...next };
  }

  /** Throws Problem not_found. */
  async describe(id: string): Promise<DescribedRun> {
    const run = await this.store.describe(id);
    if (!run) throw new Problem('not_found', 'There is no such run.');
    return run;
  }

  /** Seconds since the earliest of these times of the files that are being ingested. */
  private longest(of: (progress: { since: number; progressAt: number }) => number): number {
    const now = monotonicNow();
    return Math.max(0, ...[...this.running.values()].map((one) => now - of(one))) / 1_000;
  }

  private async check({ id, tally }: Run, body: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
    if (this.checking >= MAX_CHECKED_AT_ONCE)
      throw new Problem('rate_limited', 'Other files are being checked here.', {
        retryAfterMs: BUSY_RETRY_MS,
      });
    this.checking += 1;
    try {
      const file = await this.ingester.check(body, tally);
      const { rejectedCount, rejected } = tally;
      if (rejectedCount === 0) return file;
      const detail = `Lines that are not valid: ${rejectedCount}. Nothing was written.`;
      throw new FileRefused('invalid_request', detail, { runId: id, rejectedCount, rejected });
    } finally {
      this.checking -= 1;
    }
  }

  private async storeProgress({ id, tally }: Run): Promise<void> {
    await this.store
      .progress(id, countsOf(tally))
      .catch((error: unknown) => this.log.warn(`the progress of run ${id} was not stored: ${String(error)}`));
  }

  /** What was committed stays, whether or not this can be stored. */
  private async end({ id, tally }: Run, status: RunEnd['status'], error: RunEnd['error']): Promise<void> {
    const rejected = tally.rejected.slice(0, MAX_STORED_REJECTIONS);
    await this.store
      .end(id, { status, counts: countsOf(tally), rejected, error })
      .catch((failure: unknown) => this.log.warn(`the end of run ${id} was not stored: ${String(failure)}`));
  }
}

function countsOf({ accepted, unchanged, conflicting, stale, rejectedCount }: IngestTally): RunCounts {
  const rows = accepted + unchanged + stale + rejectedCount;
  return { rows, accepted, unchanged, conflicting, stale, rejectedCount };
}
