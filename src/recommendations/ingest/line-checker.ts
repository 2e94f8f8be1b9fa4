import { MAX_LINE_BYTES, readJsonLine, reject, type Rejections } from '../../platform/http/body/json-line.js';
import { LineSplitter, type SplitterState, type TextLine } from '../../platform/http/body/lines.js';
import { recommendationLine } from '../recommendation.schema.js';
import { columnsOf, type NumberedPage, type PageColumns } from './page-columns.js';

/** Front pages a commit: enough to make the round trip worthwhile, few enough to hold in memory. */
const BATCH_SIZE = 500;
/** Long lines make smaller batches. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** What a piece of a file came to: what was rejected, and the batches that it completed. */
export interface CheckedPiece extends Rejections {
  readonly lines: number;
  /** A batch is written group by group: repeated lines of one user and profile are in different ones, in the order of the file. */
  readonly batches: PageColumns[][];
}

/** Parses and checks the lines of one nightly file. The same code runs in the event loop and in the thread. */
export class LineChecker {
  private readonly splitter: LineSplitter;
  private batch: NumberedPage[] = [];
  private bytes = 0;

  /** `state`: where another checker has stopped (`handOver`). */
  constructor(state?: SplitterState) {
    this.splitter = new LineSplitter(MAX_LINE_BYTES, state);
  }

  /** `maxBatchBytes`: how much text the unfinished batch may have; what has more is completed. */
  check(piece: Uint8Array, maxBatchBytes = MAX_BATCH_BYTES): CheckedPiece {
    return this.read(this.splitter.split(piece), maxBatchBytes);
  }

  /** Returns what the rest came to: the last line need not end with a newline. */
  end(): CheckedPiece {
    const piece = this.read(this.splitter.end(), MAX_BATCH_BYTES);
    this.completeBatch(piece);
    return piece;
  }

  /** Returns the unfinished batch, and where another checker goes on. This one is of no use any more. */
  handOver(): { readonly piece: CheckedPiece; readonly state: SplitterState } {
    const piece = this.read([], MAX_BATCH_BYTES);
    this.completeBatch(piece);
    return { piece, state: this.splitter.state };
  }

  private read(lines: readonly TextLine[], maxBatchBytes: number): CheckedPiece {
    const piece: CheckedPiece = { lines: lines.length, batches: [], rejectedCount: 0, rejected: [] };
    for (const line of lines) {
      const read = readJsonLine(line, recommendationLine);
      if ('code' in read) {
        reject(piece, read);
        continue;
      }
      const { userId, profileId, version, items } = read.value;
      this.batch.push({ userId, profileId, version, items, line: read.line });
      this.bytes += 'text' in line ? line.text.length : 0;
      if (this.batch.length >= BATCH_SIZE || this.bytes > maxBatchBytes) this.completeBatch(piece);
    }
    return piece;
  }

  private completeBatch({ batches }: CheckedPiece): void {
    if (this.batch.length > 0) batches.push(splitRepeated(this.batch).map(columnsOf));
    this.batch = [];
    this.bytes = 0;
  }
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
