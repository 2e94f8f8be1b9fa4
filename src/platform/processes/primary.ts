import type { Cluster } from 'node:cluster';
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { primaryLog } from '../logging/logging.js';
import { CollectedMetrics } from './collected-metrics.js';
import type { ProcessMessage } from './process-message.js';
import { type ProcessEnd, type ProcessObserver, SupervisedProcess } from './supervised-process.js';

/** How often it is checked that the processes are not stuck; they report more often than MAX_SILENT_CHECKS allows (supervised-process.ts). */
const CHECK_MS = 5_000;
/** For closing what is left after the drain. Less than the 10 s after which whoever stops a node kills it (docs/operate/deploy.md). */
const CLOSE_MS = 8_000;
/** The signals by which a node is stopped. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Starts and watches the processes of PROCESSES, each of which is a node of its own. It listens on their port, and hands each connection to
 * the next of them (round robin): otherwise the kernel would choose, which on Linux leaves some processes with most of the connections. It serves
 * nothing itself and has no connection to PostgreSQL or Redis.
 */
export class Primary implements ProcessObserver {
  private readonly log: Logger;
  private readonly processes: readonly SupervisedProcess[];
  private readonly metrics: CollectedMetrics;
  private readonly restartTimers = new Set<NodeJS.Timeout>();
  private checkTimer: NodeJS.Timeout | undefined;
  private stopTimer: NodeJS.Timeout | undefined;
  private stage: 'starting' | 'running' | 'stopping' = 'starting';
  private exitCode = 0;
  private finish: (exitCode: number) => void = () => undefined;

  constructor(
    private readonly config: Config,
    private readonly cluster: Cluster,
  ) {
    this.log = primaryLog(config);
    this.processes = Array.from(
      { length: config.PROCESSES },
      (_, index) => new SupervisedProcess(index + 1, this.cluster, this),
    );
    this.metrics = new CollectedMetrics(this.processes);
  }

  /** Resolves with the exit code when it was stopped by a signal, or when the start failed, and all processes have ended. */
  run(): Promise<number> {
    this.cluster.schedulingPolicy = this.cluster.SCHED_RR;
    this.cluster.setupPrimary({ serialization: 'advanced' }); // JSON has no Infinity, which a metric may be
    for (const signal of STOP_SIGNALS) process.on(signal, () => this.stop(signal));
    this.checkTimer = setInterval(() => this.killStuck(), CHECK_MS);
    // The others follow when it is ready: if the database is not as it should be, one process says so and not all of them.
    this.processes[0]?.start();
    return new Promise((resolve) => (this.finish = resolve));
  }

  onReady(one: SupervisedProcess): void {
    this.log.info(`process ${one.number} is ready (pid ${one.pid})`);
    if (this.stage === 'running') one.send({ usher: 'all-ready' });
    if (this.stage !== 'starting') return;
    for (const other of this.processes) if (!other.isRunning) other.start();
    if (!this.processes.every(({ isReady }) => isReady)) return;
    this.stage = 'running';
    for (const each of this.processes) each.send({ usher: 'all-ready' });
  }

  onEnd(one: SupervisedProcess, { how, isOrderly, restartMs }: ProcessEnd): void {
    this.metrics.countEnd(one);
    if (this.stage === 'stopping') {
      if (!isOrderly) this.fail(`process ${one.number} did not stop in order (${how})`);
      this.finishWhenEnded();
    } else if (this.stage === 'starting') {
      this.fail(`process ${one.number} ended before all were ready (${how}): the start has failed`);
      this.stop('SIGTERM');
    } else {
      this.log.error(`process ${one.number} ended (${how}) and is started again in ${restartMs} ms`);
      this.restartLater(one, restartMs);
    }
  }

  onMessage(one: SupervisedProcess, message: ProcessMessage): void {
    if (message.usher === 'metrics') this.metrics.add(one, message.round, message.metrics);
    if (message.usher === 'scrape') void this.scrapeFor(one);
    if (message.usher === 'broadcast')
      for (const other of this.processes) if (other !== one && other.isReady) other.send(message);
  }

  /** Never rejects: an error that nobody catches here would end all processes. */
  private async scrapeFor(one: SupervisedProcess): Promise<void> {
    try {
      one.send({ usher: 'scraped', text: await this.metrics.collect() });
    } catch (error) {
      this.log.error(error, 'the metrics could not be collected');
    }
  }

  private restartLater(one: SupervisedProcess, waitMs: number): void {
    const timer = setTimeout(() => {
      this.restartTimers.delete(timer);
      this.metrics.countRestart(one);
      one.start();
    }, waitMs);
    this.restartTimers.add(timer);
  }

  private killStuck(): void {
    for (const one of this.processes)
      if (one.killIfStuck() === 'killed')
        this.log.error(`process ${one.number} (pid ${one.pid}) does not respond: it is killed`);
  }

  /** All processes drain at the same time, each its own devices. Further signals change nothing, as in a process that serves alone. */
  private stop(signal: NodeJS.Signals): void {
    if (this.stage === 'stopping') return;
    this.stage = 'stopping';
    clearInterval(this.checkTimer);
    for (const timer of this.restartTimers) clearTimeout(timer);
    for (const one of this.processes) one.stop(signal);
    this.stopTimer = setTimeout(() => this.killLeft(), this.config.DRAIN_SECONDS * 1_000 + CLOSE_MS);
    this.finishWhenEnded();
  }

  private killLeft(): void {
    for (const one of this.processes) one.kill();
  }

  private fail(why: string): void {
    this.log.error(why);
    this.exitCode = 1;
  }

  private finishWhenEnded(): void {
    if (this.processes.some(({ isRunning }) => isRunning)) return;
    clearTimeout(this.stopTimer);
    this.finish(this.exitCode);
  }
}
