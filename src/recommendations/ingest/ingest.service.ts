import { Injectable } from '@nestjs/common';
import { MailboxService } from '../../mailbox/mailbox.service.js';
import { Database } from '../../platform/postgres/database.js';
import { jsonDeeperThan } from '../../platform/http/json-depth.js';
import { isStorableJson } from '../../platform/http/text.schema.js';
import type { ProblemCode } from '../../platform/http/problem.js';
import { type NdjsonLine, readLines } from './ndjson.js';
import { frontPageEvent } from '../front-page-event.js';
import { type RecommendationLine, recommendationLine } from '../recommendation.schema.js';
import { RecommendationStore } from '../recommendation.store.js';

/** Rows that one commit takes: enough to pay for the round trip, few enough to hold in memory. */
const PART = 500;
/** Parts that are written at once: while PostgreSQL merges one, the next is read and checked. */
const PARTS_UNDER_WAY = 3;
const MAX_LINE_BYTES = 256 * 1024;
const MAX_DEPTH = 16;
/** Faulty lines that the answer names; beyond that they are only counted. */
const MAX_REJECTED = 1_000;

export interface RejectedLine {
  readonly line: number;
  readonly code: ProblemCode;
}

/** What became of the lines so far. */
export interface IngestTally {
  accepted: number;
  unchanged: number;
  stale: number;
  rejectedCount: number;
  rejected: RejectedLine[];
}

/**
 * Takes the nightly file part by part: parsed, merged and announced in one commit a part, with constant memory. Parts may be
 * committed in another order than they came, which versions make harmless.
 */
@Injectable()
export class IngestService {
  constructor(
    private readonly store: RecommendationStore,
    private readonly mailbox: MailboxService,
    private readonly database: Database,
  ) {}

  /** Gives the tally after each part. Reading stops while enough parts are written, so a fast sender waits. */
  async *ingest(body: AsyncIterable<Uint8Array>): AsyncGenerator<IngestTally> {
    const tally: IngestTally = { accepted: 0, unchanged: 0, stale: 0, rejectedCount: 0, rejected: [] };
    const underWay: Promise<void>[] = [];
    try {
      for await (const part of parts(body, tally)) {
        const written = this.write(part, tally);
        // Its failure is met where it is awaited, which may be later than it happens.
        written.catch(() => undefined);
        underWay.push(written);
        if (underWay.length < PARTS_UNDER_WAY) continue;
        await underWay.shift();
        yield tally;
      }
      await Promise.all(underWay);
    } finally {
      // Whoever is told that it broke off finds what was written.
      await Promise.allSettled(underWay);
    }
    yield tally;
  }

  /** A user and profile that comes twice in a part is written in two rounds, in the order of the file. */
  private async write(part: readonly RecommendationLine[], tally: IngestTally): Promise<void> {
    for (const round of rounds(part)) {
      const { accepted, unchanged } = await this.database.transaction('routine', async (tx) => {
        const merged = await this.store.merge(tx, round);
        await this.mailbox.append(tx, merged.accepted.map(frontPageEvent));
        return merged;
      });
      tally.accepted += accepted.length;
      tally.unchanged += unchanged;
      tally.stale += round.length - accepted.length - unchanged;
    }
  }
}

/** What is valid, in parts; what is not is counted. */
async function* parts(
  body: AsyncIterable<Uint8Array>,
  tally: IngestTally,
): AsyncGenerator<RecommendationLine[]> {
  let part: RecommendationLine[] = [];
  for await (const batch of readLines(body, MAX_LINE_BYTES)) {
    for (const line of batch) {
      const valid = read(line);
      if ('code' in valid) reject(tally, valid);
      else part.push(valid);
      if (part.length < PART) continue;
      yield part;
      part = [];
    }
  }
  if (part.length > 0) yield part;
}

function read(line: NdjsonLine): RecommendationLine | RejectedLine {
  if ('tooLong' in line) return { line: line.number, code: 'payload_too_large' };
  if (jsonDeeperThan(Buffer.from(line.text), MAX_DEPTH)) return { line: line.number, code: 'too_deep' };
  const value = parseJson(line.text);
  if (value === undefined) return { line: line.number, code: 'malformed_json' };
  // What PostgreSQL cannot store comes only as an escape; most lines have none, and are not written again to see.
  if (line.text.includes('\\u') && !isStorableJson(JSON.stringify(value)))
    return { line: line.number, code: 'invalid_request' };
  const parsed = recommendationLine.safeParse(value);
  return parsed.success ? parsed.data : { line: line.number, code: 'invalid_request' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reject(tally: IngestTally, rejected: RejectedLine): void {
  tally.rejectedCount += 1;
  if (tally.rejected.length < MAX_REJECTED) tally.rejected.push(rejected);
}

function rounds(part: readonly RecommendationLine[]): RecommendationLine[][] {
  const result: RecommendationLine[][] = [];
  const seen = new Map<string, number>();
  for (const page of part) {
    const key = `${page.userId}\n${page.profileId}`;
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    (result[round] ??= []).push(page);
  }
  return result;
}
