import { retryDelayMs } from './backoff.js';
import type { Position } from './cursor.js';
import { toUsherError, UsherError } from './errors.js';
import type { Timers } from './timers.js';

/** From a `sync` to its welcome (and snapshot, or its next page). */
const RESPONSE_TIMEOUT_MS = 10_000;
/** After this many failures in a row, suspect the connection itself and replace it. */
const MAX_ATTEMPTS = 4;

export interface ResyncOptions {
  readonly timers: Timers;
  random(): number;
  /** Returns undefined if there is nothing to resume from. */
  getPosition(): Position | undefined;
  sendSync(position: Position): Promise<unknown>;
  /** Called when the last attempt failed. */
  onGiveUp(error: UsherError): void;
}

/** Requests missing events: one `sync` at a time, with a timeout, repeated with backoff a few times. */
export class Resync {
  private isRunning = false;
  private failures = 0;
  private attempt = 0;

  constructor(private readonly options: ResyncOptions) {}

  /** An event is missing. Does nothing while a sync is running. */
  start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    this.send();
  }

  /** The server has responded, but had read its response before the event that showed the gap. Another sync is needed. */
  restart(): void {
    if (!this.isRunning) return this.start();
    this.retry(new UsherError('timeout', 'the response to sync was outdated', true));
  }

  /** A page of the response has arrived: the others have as long again. */
  extend(): void {
    if (this.isRunning) this.startTimer(this.attempt);
  }

  /** Nothing is missing any more, or the connection ended: the next one resumes from our position anyway. */
  stop(): void {
    this.isRunning = false;
    this.failures = 0;
    this.attempt++;
    this.options.timers.clear('sync');
  }

  private send(): void {
    const position = this.options.getPosition();
    if (!position) return this.stop();
    const attempt = ++this.attempt; // a failure that arrives late says nothing about the next attempt
    this.startTimer(attempt);
    this.options.sendSync(position).catch((error: unknown) => this.fail(attempt, error));
  }

  private startTimer(attempt: number): void {
    this.options.timers.set('sync', RESPONSE_TIMEOUT_MS, () =>
      this.fail(attempt, new UsherError('timeout', 'no response to sync', true)),
    );
  }

  private fail(attempt: number, error: unknown): void {
    if (attempt === this.attempt && this.isRunning) this.retry(toUsherError(error, 'protocol'));
  }

  private retry(error: UsherError): void {
    this.attempt++;
    this.failures++;
    if (!error.retryable || this.failures >= MAX_ATTEMPTS) {
      this.stop();
      return this.options.onGiveUp(error);
    }
    const delayMs = retryDelayMs(this.failures - 1, () => this.options.random(), error.retryAfterMs);
    this.options.timers.set('sync', delayMs, () => this.send());
  }
}
