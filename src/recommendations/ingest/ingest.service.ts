import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { MailboxService } from '../../mailbox/mailbox.service.js';
import { reject, rejectAll, rejection, type Rejections } from '../../platform/http/body/json-line.js';
import { Problem } from '../../platform/http/problem.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { runIsolated } from '../../platform/scheduling/isolation.js';
import { PaceService } from '../pacing/pace.service.js';
import { RecommendationStore } from '../recommendation.store.js';
import { frontPageEvents } from './front-page-events.js';
import { LineChecksService } from './line-checks.service.js';
import { type PageColumns, pick } from './page-columns.js';

/** Batches that are written at the same time: while PostgreSQL merges one, the next is read and checked. */
const MAX_BATCHES_IN_FLIGHT = 3;
/** A file that is to be refused as a whole is held in memory until its last line has been read. */
const MAX_CHECKED_MB = 64;
const MAX_CHECKED_BYTES = MAX_CHECKED_MB * 1024 * 1024;

/** With more lines that cannot be written, it is not the lines: the file fails. */
const MAX_UNWRITABLE = 100;

/** How many lines had which outcome so far. `rejected` lists at most a thousand. */
export interface IngestTally extends Rejections {
  accepted: number;
  unchanged: number;
  /** Of the unchanged, those with other items than are stored. */
  conflicting: number;
  stale: number;
  /** Of the rejected, those that are valid and could not be written. */
  unwritable: number;
}

/** Returns the tally of a file of which nothing is read yet. */
export const newTally = (): IngestTally => ({
  accepted: 0,
  unchanged: 0,
  conflicting: 0,
  stale: 0,
  rejectedCount: 0,
  unwritable: 0,
  rejected: [],
});

/** A file that is being ingested. */
interface OpenFile {
  readonly tally: IngestTally;
  /**
   * Whether most pages of the last batch were not newer than the stored ones, as of a file that is sent again. Then the next ones are
   * compared first, which only reads: a merge locks each page that it meets, which is a write.
   */
  isKnown: boolean;
}

const rowsOf = ({ lines }: PageColumns): number[] => [...lines.keys()];

/**
 * Ingests the nightly file in batches, with constant memory: a batch is checked, then merged and its events appended by
 * one statement. Batches may be committed in another order than that of the file; that is harmless, because a page is only
 * replaced by a newer version.
 */
@Injectable()
export class IngestService {
  private readonly log = new Logger('recommendations');

  constructor(
    private readonly store: RecommendationStore,
    private readonly checks: LineChecksService,
    private readonly mailbox: MailboxService,
    private readonly pace: PaceService,
  ) {}

  /**
   * Reads the whole file before any of it is written, and counts the wrong lines in `tally`; returns the file, to be ingested then. Throws
   * Problem payload_too_large beyond MAX_CHECKED_BYTES, and what the body throws.
   */
  async check(body: AsyncIterable<Uint8Array>, tally: IngestTally): Promise<Uint8Array[]> {
    const chunks: Uint8Array[] = [];
    for await (const piece of this.checks.check(kept(body, chunks))) rejectAll(tally, piece);
    return chunks;
  }

  /**
   * Counts in `tally`, and yields after each batch and at the end. Does not read on while enough batches are being written
   * (backpressure). Throws what the body or PostgreSQL throws; what was committed before stays.
   */
  async *ingest(
    body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    tally: IngestTally,
  ): AsyncGenerator<void> {
    const file: OpenFile = { tally, isKnown: false };
    const inFlight: Promise<void>[] = [];
    try {
      for await (const batch of this.batches(body, tally)) {
        const writing = this.write(batch, file);
        // It may fail before it is awaited below: without this the process would report an unhandled rejection.
        writing.catch(() => undefined);
        inFlight.push(writing);
        if (inFlight.length < MAX_BATCHES_IN_FLIGHT) continue;
        await inFlight.shift();
        yield;
      }
      await Promise.all(inFlight);
    } finally {
      // A caller that learns of a failure must find all that was committed.
      await Promise.allSettled(inFlight);
    }
    yield;
  }

  private async *batches(
    body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    tally: IngestTally,
  ): AsyncGenerator<readonly PageColumns[]> {
    for await (const piece of this.checks.check(body)) {
      rejectAll(tally, piece);
      yield* piece.batches;
    }
  }

  /** A statement takes each user and profile once: of repeated ones the later lines are written afterwards, in the order of the file. */
  private async write(batch: readonly PageColumns[], file: OpenFile): Promise<void> {
    for (const pages of batch) {
      const newer = file.isKnown ? await this.countKnown(pages, file.tally) : pages;
      const unmerged = await this.merge(newer, file.tally);
      const known = pages.lines.length - newer.lines.length + unmerged.length;
      file.isKnown = known > pages.lines.length / 2;
      if (unmerged.length === 0) continue;
      // What was removed between the two statements is told as stale too.
      const removed = await this.countKnown(pick(newer, unmerged), file.tally);
      file.tally.stale += removed.lines.length;
    }
  }

  /** Counts the pages that are stored already, or are older than what is stored. Returns the others. */
  private async countKnown(pages: PageColumns, tally: IngestTally): Promise<PageColumns> {
    const { known, unchanged, conflicting } = await this.store.compare(pages);
    tally.unchanged += unchanged;
    tally.conflicting += conflicting;
    tally.stale += known.length - unchanged;
    const isKnown = new Set(known);
    return pick(
      pages,
      rowsOf(pages).filter((row) => !isKnown.has(row)),
    );
  }

  /**
   * Commits the pages that are newer than the stored ones. Returns the rows of the others. A line that passed the checks and cannot be
   * written is rejected alone: it must not end the file.
   */
  private async merge(pages: PageColumns, tally: IngestTally): Promise<number[]> {
    const unmerged: number[] = [];
    if (pages.lines.length === 0) return unmerged;
    await runIsolated(rowsOf(pages), {
      run: async (rows) => void unmerged.push(...(await this.commit(pages, rows, tally))),
      isolate: (error) => !isOutage(error),
      onFailure: ([row], error) => {
        if (isOutage(error) || row === undefined || tally.unwritable >= MAX_UNWRITABLE) throw error;
        tally.unwritable += 1;
        const line = pages.lines[row] as number;
        this.log.error(error, `line ${line} was not written`);
        reject(tally, rejection(line, 'internal'));
      },
    });
    return unmerged;
  }

  /** Commits those of these rows that are newer than the stored pages. Returns the others. */
  private async commit(all: PageColumns, rows: readonly number[], tally: IngestTally): Promise<number[]> {
    const handoff = { id: randomUUID(), tier: 'important' } as const;
    const at = new Date().toISOString();
    const pages = pick(all, rows);
    const withinMs = this.pace.add(rows.length, tally.accepted);
    const merged = await this.store
      .merge(pages, { handoffId: handoff.id, at, withinMs })
      .catch((error: unknown) => {
        this.pace.remove(rows.length);
        throw error;
      });
    this.mailbox.deliverAppended(frontPageEvents(pages, merged, at), handoff, withinMs);
    this.pace.remove(rows.length - merged.length);
    tally.accepted += merged.length;
    if (merged.length === rows.length) return [];
    const stored = new Set(merged.map(({ row }) => row));
    return rows.filter((_, place) => !stored.has(place));
  }
}

/** Yields the chunks, and keeps them. */
async function* kept(body: AsyncIterable<Uint8Array>, chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_CHECKED_BYTES)
      throw new Problem(
        'payload_too_large',
        `A file that is checked first may unpack to ${MAX_CHECKED_MB} MB.`,
      );
    chunks.push(chunk);
    yield chunk;
  }
}
