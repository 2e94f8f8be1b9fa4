import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Loop } from '../scheduling/loop.js';
import { MetricsService } from '../metrics/metrics.service.js';
import { type LoadLevel, nextLoadLevel } from './load-level.js';
import { Database } from '../postgres/database.js';

const EVERY_MS = 500;
const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Watches this node's load. Overload is answered by slower beats first, before anything is refused. */
@Injectable()
export class LoadMonitorWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger('load');
  private readonly delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private current: LoadLevel = 1;
  private waitingToWrite: () => number = () => 0;
  private readonly loop = new Loop(
    EVERY_MS,
    async () => this.sample(),
    (error) => this.log.error(error),
  );

  constructor(
    private readonly database: Database,
    metrics: MetricsService,
  ) {
    metrics.gauge('strain', 'By how much devices are asked to beat slower: 1, 2 or 4', () => this.current);
  }

  /** By how much devices should slow down. */
  get level(): LoadLevel {
    return this.current;
  }

  /** How many devices wait for a write turn. */
  get writesWaiting(): number {
    return this.waitingToWrite();
  }

  /** Told by the room that writes. */
  registerWriteQueue(waiting: () => number): void {
    this.waitingToWrite = waiting;
  }

  onApplicationBootstrap(): void {
    this.delay.enable();
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.delay.disable();
    await this.loop.stop();
  }

  private sample(): void {
    const loopLagMs = this.delay.max / NS_PER_MS - RESOLUTION_MS;
    this.delay.reset();
    this.current = nextLoadLevel(this.current, {
      loopLagMs,
      waitingForPostgres: this.database.waiting('routine') + this.database.waiting('important'),
      waitingToWrite: this.waitingToWrite(),
    });
  }
}
