import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { isOutage } from '../postgres/outage.js';
import { Loop } from './loop.js';

/** What a periodic worker runs, how often, and on which nodes. */
export interface PeriodicWorkerOptions<Lane extends string> {
  /** The worker's name in the logs. */
  readonly log: string;
  /** Milliseconds between the end of a run and the start of the next. With one interval a lane, each lane has its own loop. */
  readonly everyMs: number | Readonly<Record<Lane, number>>;
  /** Whether this node has the role for it. Default: it runs on every node. */
  readonly runs?: boolean;
  /** `at-boot`: boot waits for the first run. Default: the first run begins within one interval of boot. */
  readonly firstRun?: 'at-boot' | 'after-interval';
}

/**
 * A job that a node runs again and again, from the end of boot until shutdown. A run that throws is logged, and the next one
 * begins after the usual interval.
 */
export abstract class PeriodicWorker<Lane extends string = string>
  implements OnApplicationBootstrap, OnApplicationShutdown
{
  protected readonly log: Logger;
  private readonly loops: ReadonlyMap<Lane, Loop>;

  protected constructor(private readonly options: PeriodicWorkerOptions<Lane>) {
    this.log = new Logger(options.log);
    const { everyMs } = options;
    const intervals = typeof everyMs === 'number' ? { all: everyMs } : everyMs;
    this.loops = new Map(
      (Object.entries(intervals) as [Lane, number][]).map(([lane, intervalMs]) => [
        lane,
        new Loop(
          intervalMs,
          async () => this.runOnce(lane),
          (error) => this.onError(error),
        ),
      ]),
    );
  }

  /** Starts the runs, on a node that has the role for them. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.options.runs === false) return;
    if (this.options.firstRun === 'at-boot')
      await Promise.all([...this.loops.keys()].map((lane) => this.runFirst(lane)));
    this.start();
  }

  /** Waits for the current run. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.loops.values()].map((loop) => loop.stop()));
  }

  /** For workers that begin before the end of boot. May be called more than once. */
  protected start(): void {
    for (const loop of this.loops.values()) loop.start();
  }

  /** Begins the next run of each lane at once, or as soon as the current one has ended; the interval begins anew after it. */
  protected runSoon(): void {
    for (const loop of this.loops.values()) loop.trigger();
  }

  /** One run; `lane` matters only to workers with one interval a lane. */
  protected abstract runOnce(lane: Lane): Promise<void> | void;

  /** Logs an outage of PostgreSQL without its stack, since it is no fault of this worker; anything else with it. */
  protected onError(error: unknown): void {
    if (isOutage(error)) this.log.warn(`will try again: ${String(error)}`);
    else this.log.error(error);
  }

  private async runFirst(lane: Lane): Promise<void> {
    try {
      await this.runOnce(lane);
    } catch (error) {
      this.onError(error);
    }
  }
}
