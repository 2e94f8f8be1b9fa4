import { Counter, Gauge } from 'prom-client';
import { mergeEnded, mergeMetrics, type MetricsSnapshot } from '../metrics/merge-metrics.js';
import { processRegistry } from '../metrics/process-registry.js';
import { withTimeout } from '../scheduling/timeout.js';
import type { SupervisedProcess } from './supervised-process.js';

/** How long a scrape waits for the processes. */
const TIMEOUT_MS = 1_500;

/**
 * The metrics of all processes as one, and of the primary itself. Of a process that does not respond in time its last ones are used, and
 * `usher_process_silent` says so; what a process that has ended reported last goes on counting. The sums never fall.
 */
export class CollectedMetrics {
  /** The metrics of the primary itself. */
  readonly own = processRegistry();
  private readonly last = new Map<SupervisedProcess, MetricsSnapshot>();
  private ended: Promise<MetricsSnapshot> = Promise.resolve([]);
  private round = 0;
  private missing = new Set<SupervisedProcess>();
  private onComplete: () => void = () => undefined;
  private collecting: Promise<string> | undefined;
  private readonly restarts = new Counter({
    name: 'usher_process_restarts_total',
    help: 'Only with several processes. How often a process ended and was started again. It grows: the log says how it ended.',
    labelNames: ['process'],
    registers: [this.own],
  });

  constructor(private readonly processes: readonly SupervisedProcess[]) {
    this.addGauge(
      'usher_process_up',
      'Only with several processes. 1 while the process serves.',
      (one) => one.isReady,
    );
    this.addGauge(
      'usher_process_silent',
      'Only with several processes. 1: the process did not respond to this scrape in time; what it reported before is used. It stays 1: the process hangs, and will be killed.',
      (one) => this.missing.has(one),
    );
    for (const { number } of processes) this.restarts.inc({ process: number }, 0);
  }

  /** Returns the metrics in Prometheus' text format. Calls at the same time share one collection. */
  collect(): Promise<string> {
    this.collecting ??= this.runRound().finally(() => (this.collecting = undefined));
    return this.collecting;
  }

  /** A process has sent its metrics. */
  add(one: SupervisedProcess, round: number, metrics: MetricsSnapshot): void {
    this.last.set(one, metrics);
    if (round === this.round) this.expectNoMoreOf(one);
  }

  /** A process has ended. */
  countEnd(one: SupervisedProcess): void {
    this.expectNoMoreOf(one);
    const last = this.last.get(one);
    this.last.delete(one);
    // What cannot be merged is left out: this must not end the primary, and all processes with it.
    if (last) this.ended = this.ended.then((ended) => mergeEnded(ended, last).catch(() => ended));
  }

  /** A process that had ended is started again. */
  countRestart({ number }: SupervisedProcess): void {
    this.restarts.inc({ process: number });
  }

  private async runRound(): Promise<string> {
    this.round += 1;
    this.missing = new Set(this.processes.filter(({ isReady }) => isReady));
    const complete = new Promise<void>((resolve) => (this.onComplete = resolve));
    for (const one of this.missing) one.send({ usher: 'collect', round: this.round });
    if (this.missing.size > 0) await withTimeout(TIMEOUT_MS, complete).catch(() => undefined);
    const own = await this.own.getMetricsAsJSON();
    return mergeMetrics([await this.ended, ...this.last.values(), own]).metrics();
  }

  private expectNoMoreOf(one: SupervisedProcess): void {
    this.missing.delete(one);
    if (this.missing.size === 0) this.onComplete();
  }

  private addGauge(name: string, help: string, holds: (one: SupervisedProcess) => boolean): void {
    const { processes } = this;
    new Gauge({
      name,
      help,
      labelNames: ['process'],
      registers: [this.own],
      collect() {
        for (const one of processes) this.set({ process: one.number }, Number(holds(one)));
      },
    });
  }
}
