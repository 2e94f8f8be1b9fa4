import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable } from '@nestjs/common';
import { MetricsService } from '../metrics/metrics.service.js';
import { NodeFactsService } from '../node-facts.service.js';
import { Database } from '../postgres/database.js';
import { PeriodicWorker } from '../scheduling/periodic.worker.js';
import { type LoadLevel, nextLoadLevel } from './load-level.js';

const EVERY_MS = 500;
const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;

/** Measures this node's load. The first response to overload is fewer heartbeats; only then are connections refused or moved. */
@Injectable()
export class LoadMonitorWorker extends PeriodicWorker {
  private readonly loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private current: LoadLevel = 1;
  private countWaitingWrites: () => number = () => 0;

  constructor(
    private readonly database: Database,
    metrics: MetricsService,
    facts: NodeFactsService,
  ) {
    super({ log: 'load', everyMs: EVERY_MS });
    // The load level is called "strain" in the metrics: dashboards depend on the name.
    metrics.gauge(
      'strain',
      'The load level, 1, 2 or 4. Above 1: the event loop lags, statements wait for a connection to PostgreSQL, or devices wait for a write slice; devices are asked to send heartbeats by this factor less often.',
      'max',
      () => this.current,
    );
    facts.add('loadLevel', () => this.current);
  }

  /** The load level of the last sample. */
  get level(): LoadLevel {
    return this.current;
  }

  /** Devices with events that have not been written to their sockets yet. */
  get writesWaiting(): number {
    return this.countWaitingWrites();
  }

  /** Called once, by the service that writes to sockets; `waiting` returns how many devices have unwritten events. */
  registerWriteQueue(waiting: () => number): void {
    this.countWaitingWrites = waiting;
  }

  override onApplicationBootstrap(): Promise<void> {
    this.loopDelay.enable();
    return super.onApplicationBootstrap();
  }

  override onApplicationShutdown(): Promise<void> {
    this.loopDelay.disable();
    return super.onApplicationShutdown();
  }

  protected runOnce(): void {
    const loopLagMs = this.loopDelay.max / NS_PER_MS - RESOLUTION_MS;
    this.loopDelay.reset();
    this.current = nextLoadLevel(this.current, {
      loopLagMs,
      waitingForPostgres: this.database.waiting('routine') + this.database.waiting('important'),
      waitingToWrite: this.countWaitingWrites(),
    });
  }
}
