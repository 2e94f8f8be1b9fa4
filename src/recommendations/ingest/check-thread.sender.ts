import { Worker } from 'node:worker_threads';
import { Problem } from '../../platform/http/problem.js';
import type { SplitterState } from '../../platform/http/body/lines.js';
import type { CheckRequest, CheckResponse } from './check-request.js';
import type { CheckedPiece } from './line-checker.js';
import { received } from './page-columns.js';

/** A piece takes milliseconds, and the first one waits until the thread has started. */
const DEADLINE_MS = 30_000;
/** The unfinished batches of all files are 32 MiB of texts at most (check-thread.mjs), and one line 256 KiB. */
const LIMITS = { maxOldGenerationSizeMb: 256 };

interface Waiter {
  readonly resolve: (piece: CheckedPiece) => void;
  readonly reject: (error: Problem) => void;
  readonly deadline: NodeJS.Timeout;
}

/** A thread that checks the pieces of files. Once it has ended, it fails whatever it is asked, and is not started again. */
export class CheckThreadSender {
  private readonly thread = new Worker(new URL('./check-thread.mjs', import.meta.url), {
    resourceLimits: LIMITS,
  });
  private readonly waiting = new Map<number, Waiter>();
  private nextFile = 1;
  private ended = false;

  /** `onError` is told why the thread ends, unless it was stopped. */
  constructor(private readonly onError: (error: Error) => void) {
    this.thread.on('message', ({ file, piece }: CheckResponse) =>
      this.settle(file)?.resolve(withBuffers(piece)),
    );
    // An error without a listener would end the node; 'exit' follows it.
    this.thread.on('error', onError);
    this.thread.on('exit', () => this.fail());
  }

  get hasEnded(): boolean {
    return this.ended;
  }

  /** Goes on with a file where `state` says; returns the file's number. */
  open(state: SplitterState): number {
    const file = this.nextFile;
    this.nextFile += 1;
    this.post({ act: 'open', file, state });
    return file;
  }

  /** The memory of `piece` is moved to the thread. Throws Problem unavailable when the thread ends meanwhile, or takes too long. */
  check(file: number, piece: Uint8Array<ArrayBuffer>): Promise<CheckedPiece> {
    return this.ask({ act: 'check', file, piece }, [piece.buffer]);
  }

  /** Throws as `check`. */
  end(file: number): Promise<CheckedPiece> {
    return this.ask({ act: 'end', file });
  }

  close(file: number): void {
    this.settle(file);
    this.post({ act: 'close', file });
  }

  /** Ends the thread, and fails what it still owes. Idempotent. */
  async stop(): Promise<void> {
    this.fail();
    await this.thread.terminate();
  }

  private giveUp(): void {
    this.onError(new Error(`no response within ${DEADLINE_MS / 1_000} s`));
    void this.stop();
  }

  private ask(request: CheckRequest, memory?: ArrayBuffer[]): Promise<CheckedPiece> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(threadEnded());
      const deadline = setTimeout(() => this.giveUp(), DEADLINE_MS);
      this.waiting.set(request.file, { resolve, reject, deadline });
      this.post(request, memory);
    });
  }

  private post(request: CheckRequest, memory?: ArrayBuffer[]): void {
    if (!this.ended) this.thread.postMessage(request, memory);
  }

  private settle(file: number): Waiter | undefined {
    const waiter = this.waiting.get(file);
    this.waiting.delete(file);
    clearTimeout(waiter?.deadline);
    return waiter;
  }

  private fail(): void {
    this.ended = true;
    for (const file of [...this.waiting.keys()]) this.settle(file)?.reject(threadEnded());
  }
}

const threadEnded = (): Problem =>
  new Problem(
    'unavailable',
    'The thread that checks the file has ended. What was accepted stays: send the file again.',
  );

const withBuffers = (piece: CheckedPiece): CheckedPiece => ({
  ...piece,
  batches: piece.batches.map((groups) => groups.map(received)),
});
