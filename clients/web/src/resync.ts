import { delayMs } from './backoff.js';
import { toUsherError, UsherError } from './errors.js';
import type { Position } from './sequence.js';
import type { Timers } from './timers.js';

/** From `sync` to its welcome (and snapshot). */
const ANSWER_WITHIN_MS = 10_000;
/** After so many in vain the line itself is in doubt. */
const MOST_TRIES = 4;

export interface ResyncPort {
  position(): Position | undefined;
  send(position: Position): Promise<unknown>;
  giveUp(error: UsherError): void;
}

/** Asks for what is missing: one `sync` in flight, with a deadline, again after a growing wait, and not for ever. */
export class Resync {
  private running = false;
  private failures = 0;
  private asked = 0;

  constructor(
    private readonly port: ResyncPort,
    private readonly timers: Timers,
    private readonly random: () => number,
  ) {}

  /** There is a hole. */
  need(): void {
    if (this.running) return;
    this.running = true;
    this.ask();
  }

  /** The answer is here. `behind`: it was read before the event that showed the hole, so that one more is needed. */
  answered(behind: boolean): void {
    if (behind && this.running)
      return this.again(new UsherError('timeout', 'the answer to sync was behind', true));
    this.stop();
    if (behind) this.need();
  }

  /** Forgets all of it; the next connection resumes from our position anyway. */
  stop(): void {
    this.running = false;
    this.failures = 0;
    this.asked++;
    this.timers.clear('sync');
  }

  private ask(): void {
    const position = this.port.position();
    if (!position) return this.stop();
    const ask = ++this.asked; // a refusal that arrives late says nothing about the next try
    const failed = (error: unknown) => {
      if (ask === this.asked && this.running) this.again(toUsherError(error, 'protocol'));
    };
    this.timers.set('sync', ANSWER_WITHIN_MS, () =>
      failed(new UsherError('timeout', 'no answer to sync', true)),
    );
    this.port.send(position).catch(failed);
  }

  private again(error: UsherError): void {
    this.asked++;
    this.failures++;
    if (!error.retryable || this.failures >= MOST_TRIES) {
      this.stop();
      return this.port.giveUp(error);
    }
    this.timers.set('sync', delayMs(this.failures - 1, this.random, error.retryAfterMs), () => this.ask());
  }
}
