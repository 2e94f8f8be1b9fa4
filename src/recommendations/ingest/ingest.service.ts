import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { StampedEvent } from '../../mailbox/events/event.js';
import { MailboxService } from '../../mailbox/mailbox.service.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { runIsolated } from '../../platform/scheduling/isolation.js';
import {
  MAX_LINE_BYTES,
  readJsonLine,
  reject,
  rejection,
  type Rejections,
} from '../../platform/http/body/json-line.js';
import { readLines } from '../../platform/http/body/lines.js';
import { Problem } from '../../platform/http/problem.js';
import { frontPageEvent } from '../front-page-event.js';
import { PaceService } from '../pacing/pace.service.js';
import { type RecommendationLine, recommendationLine } from '../recommendation.schema.js';
import { RecommendationStore } from '../recommendation.store.js';

/** Front pages a commit: enough to make the round trip worthwhile, few enough to hold in memory. */
const BATCH_SIZE = 500;
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

/** A valid line, with its number. */
type NumberedPage = RecommendationLine & { readonly line: number };

/**
 * Ingests the nightly file in batches, with constant memory: a batch is parsed, then merged and its events appended by
 * one statement. Batches may be committed in another order than that of the file; that is harmless, because a page is only
 * replaced by a newer version.
 */
@Injectable()
export class IngestService {
  private readonly log = new Logger('recommendations');

  constructor(
    private readonly store: RecommendationStore,
    private readonly mailbox: MailboxService,
    private readonly pace: PaceService,
  ) {}

  /**
   * Reads the whole file before any of it is written, and counts the wrong lines in `tally`; returns the file, to be ingested then. Throws
   * Problem payload_too_large beyond MAX_CHECKED_BYTES, and what the body throws.
   */
  async check(body: AsyncIterable<Uint8Array>, tally: IngestTally): Promise<Uint8Array[]> {
    const chunks: Uint8Array[] = [];
    for await (const _ of readBatches(kept(body, chunks), tally)) continue;
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
    const inFlight: Promise<void>[] = [];
    try {
      for await (const batch of readBatches(body, tally)) {
        const writing = this.write(batch, tally);
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

  /**
   * A statement takes each user and profile once: of repeated ones the later lines are written afterwards, in the order
   * of the file. A line that passed the checks and cannot be written is rejected alone: it must not end the file.
   */
  private async write(batch: readonly NumberedPage[], tally: IngestTally): Promise<void> {
    for (const pages of splitRepeated(batch)) {
      const unmerged: NumberedPage[] = [];
      await runIsolated(pages, {
        run: async (part) => void unmerged.push(...(await this.commit(part, tally))),
        isolate: (error) => !isOutage(error),
        onFailure: ([page], error) => {
          if (isOutage(error) || !page || tally.unwritable >= MAX_UNWRITABLE) throw error;
          tally.unwritable += 1;
          this.log.error(error, `line ${page.line} was not written`);
          reject(tally, rejection(page.line, 'internal'));
        },
      });
      // Not within: an error here must not commit the others again.
      if (unmerged.length > 0) await this.countUnmerged(unmerged, tally);
    }
  }

  /** Commits the pages that are newer than the stored ones. Returns the others. */
  private async commit(pages: readonly NumberedPage[], tally: IngestTally): Promise<NumberedPage[]> {
    const handoff = { id: randomUUID(), tier: 'important' } as const;
    const at = new Date().toISOString();
    const fresh = pages.map((page) => ({
      page,
      stamped: { id: randomUUID(), at, event: frontPageEvent(page) },
    }));
    const withinMs = this.pace.add(pages.length, tally.accepted);
    const accepted = await this.store.merge(fresh, { handoffId: handoff.id, at, withinMs });
    this.mailbox.deliverAppended(accepted, handoff, withinMs);
    this.pace.remove(pages.length - accepted.length);
    tally.accepted += accepted.length;
    if (accepted.length === pages.length) return [];
    const stored = new Set<StampedEvent>(accepted.map(({ stamped }) => stamped));
    return fresh.filter(({ stamped }) => !stored.has(stamped)).map(({ page }) => page);
  }

  private async countUnmerged(pages: readonly NumberedPage[], tally: IngestTally): Promise<void> {
    const { unchanged, conflicting } = await this.store.compare(pages);
    tally.unchanged += unchanged;
    tally.conflicting += conflicting;
    tally.stale += pages.length - unchanged;
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

/** Yields the valid lines in batches, and counts the others as rejected. */
async function* readBatches(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  tally: IngestTally,
): AsyncGenerator<NumberedPage[]> {
  let batch: NumberedPage[] = [];
  for await (const lines of readLines(body, MAX_LINE_BYTES)) {
    for (const line of lines) {
      const read = readJsonLine(line, recommendationLine);
      if ('code' in read) reject(tally, read);
      else batch.push({ ...read.value, line: read.line });
      if (batch.length < BATCH_SIZE) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** Splits a batch into groups in which each user and profile occurs once. */
function splitRepeated(batch: readonly NumberedPage[]): NumberedPage[][] {
  const groups: NumberedPage[][] = [];
  const occurrences = new Map<string, number>();
  for (const page of batch) {
    const key = `${page.userId}\n${page.profileId}`;
    const earlier = occurrences.get(key) ?? 0;
    occurrences.set(key, earlier + 1);
    (groups[earlier] ??= []).push(page);
  }
  return groups;
}
