import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { type CheckedPiece, LineChecker } from './line-checker.js';
import { CheckThreadSender } from './check-thread.sender.js';

/** A smaller file is checked in the event loop: it takes some milliseconds, and a thread a hundred to start. */
const THREAD_FROM_BYTES = 256 * 1024;
/** What the thread gets at once. */
const PIECE_BYTES = 128 * 1024;
/** A thread without files is ended after this long. */
const IDLE_MS = 5_000;

/** Checks the lines of nightly files: the first ones in the event loop, and those of a large file in a thread, one for all files of the node. */
@Injectable()
export class LineChecksService implements OnApplicationShutdown {
  private readonly log = new Logger('recommendations');
  private readonly checked: Counter<'where'>;
  private thread: CheckThreadSender | undefined;
  private openFiles = 0;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor(metrics: MetricsService) {
    this.checked = metrics.counter(
      'recommendation_lines_total',
      'Lines of nightly files that were checked, by `where`: in the event loop, as those of small files, or in the thread.',
      ['where'],
    );
  }

  /** Yields what each piece of the file came to. Throws what the body throws, and Problem unavailable when the thread has ended. */
  async *check(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<CheckedPiece> {
    const checker = new LineChecker();
    const chunks = chunksOf(body);
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      yield this.count('event_loop', checker.check(chunk));
      if (bytes < THREAD_FROM_BYTES) continue;
      const { piece, state } = checker.handOver();
      yield piece;
      return yield* this.checkInThread(chunks, (thread) => thread.open(state));
    }
    yield this.count('event_loop', checker.end());
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.idleTimer);
    await this.thread?.stop();
  }

  private async *checkInThread(
    chunks: AsyncIterable<Uint8Array>,
    open: (thread: CheckThreadSender) => number,
  ): AsyncGenerator<CheckedPiece> {
    const thread = this.startedThread();
    const file = open(thread);
    this.openFiles += 1;
    try {
      for await (const piece of joined(chunks)) yield this.count('thread', await thread.check(file, piece));
      yield this.count('thread', await thread.end(file));
    } finally {
      thread.close(file);
      this.openFiles -= 1;
      if (this.openFiles === 0 && this.thread?.hasEnded === false)
        this.idleTimer = setTimeout(() => this.endThread(), IDLE_MS);
    }
  }

  private startedThread(): CheckThreadSender {
    clearTimeout(this.idleTimer);
    if (this.thread === undefined || this.thread.hasEnded)
      this.thread = new CheckThreadSender((error) =>
        this.log.error(error, 'the thread that checks files has failed'),
      );
    return this.thread;
  }

  private endThread(): void {
    void this.thread?.stop();
    this.thread = undefined;
  }

  private count(where: string, piece: CheckedPiece): CheckedPiece {
    this.checked.inc({ where }, piece.lines);
    return piece;
  }
}

/** Yields the chunks; whoever stops in the middle can go on. */
async function* chunksOf(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* body;
}

/** Joins chunks to pieces of about PIECE_BYTES, each with memory of its own: that of a chunk may be shared with others. */
async function* joined(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < PIECE_BYTES) continue;
    yield copyOf(held, bytes);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield copyOf(held, bytes);
}

function copyOf(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    copy.set(chunk, at);
    at += chunk.length;
  }
  return copy;
}
