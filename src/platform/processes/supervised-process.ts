import type { Cluster, Worker } from 'node:cluster';
import { PROCESS_NUMBER_VARIABLE } from '../config/process-number.js';
import { monotonicNow } from '../scheduling/monotonic.js';
import { asProcessMessage, type PrimaryMessage, type ProcessMessage } from './process-message.js';
import { RestartBackoff } from './restart-backoff.js';

/**
 * Checks that a process may be silent, which come every CHECK_MS (primary.ts): half a minute, and a minute while it boots, since it may wait
 * half a minute for PostgreSQL. Checks are counted and not time, so that a machine that slept kills nobody when it wakes.
 */
const MAX_SILENT_CHECKS = { ready: 6, booting: 12 };

/** How a process ended. */
export interface ProcessEnd {
  /** For the log: its exit code, the signal, or why it could not be started. */
  readonly how: string;
  /** With exit code 0, or by a signal that `stop` had sent. */
  readonly isOrderly: boolean;
  /** How long to wait before it is started again. */
  readonly restartMs: number;
}

/** What a SupervisedProcess reports. */
export interface ProcessObserver {
  onReady(one: SupervisedProcess): void;
  onEnd(one: SupervisedProcess, end: ProcessEnd): void;
  onMessage(one: SupervisedProcess, message: ProcessMessage): void;
}

/** One of the processes that serve, with its number from 1. It may be started again when it has ended. */
export class SupervisedProcess {
  private worker: Worker | undefined;
  private readyAt: number | undefined;
  private silentChecks = 0;
  private stopSignal: NodeJS.Signals | undefined;
  private readonly backoff = new RestartBackoff();

  constructor(
    readonly number: number,
    private readonly cluster: Pick<Cluster, 'fork'>,
    private readonly observer: ProcessObserver,
  ) {}

  /** Whether it runs, ready or not. */
  get isRunning(): boolean {
    return this.worker !== undefined;
  }

  /** Whether it serves. */
  get isReady(): boolean {
    return this.readyAt !== undefined;
  }

  /** The process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.worker?.process.pid;
  }

  /** Starts it. Its exit, or that it could not be started, is reported to the observer. */
  start(): void {
    this.silentChecks = 0;
    try {
      this.watch(this.cluster.fork({ [PROCESS_NUMBER_VARIABLE]: String(this.number) }));
    } catch (error) {
      // Node reports most causes by the event `error`, but throws for instance when there is no memory.
      setImmediate(() => this.reportEnd(null, error instanceof Error ? error.message : String(error)));
    }
  }

  /** Sends a message; one that does not arrive is lost. */
  send(message: PrimaryMessage): void {
    if (this.worker?.isConnected()) this.worker.send(message, () => undefined);
  }

  /** Asks it to stop by this signal. */
  stop(signal: NodeJS.Signals): void {
    this.stopSignal = signal;
    this.worker?.process.kill(signal);
  }

  /** Ends it now. */
  kill(): void {
    this.worker?.process.kill('SIGKILL');
  }

  /** To be called every CHECK_MS. Kills it when it has been silent for too long: its event loop is blocked, or it does not get ready. */
  killIfStuck(): 'killed' | 'fine' {
    this.silentChecks += 1;
    if (!this.isRunning || this.silentChecks <= MAX_SILENT_CHECKS[this.isReady ? 'ready' : 'booting'])
      return 'fine';
    this.kill();
    return 'killed';
  }

  private watch(worker: Worker): void {
    this.worker = worker;
    worker.on('message', (message: unknown) => {
      const ours = asProcessMessage(message);
      if (ours && worker === this.worker) this.receive(ours);
    });
    worker.once('exit', (code, signal) => this.ended(worker, code, signal));
    // A message that could not be sent means that it ends; a process that could not be started has no id and no exit.
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) this.ended(worker, null, error.message);
    });
  }

  private receive(message: ProcessMessage): void {
    this.silentChecks = 0;
    if (message.usher === 'ready') {
      this.readyAt = monotonicNow();
      this.observer.onReady(this);
    } else this.observer.onMessage(this, message);
  }

  private ended(worker: Worker, code: number | null, signal: string | null): void {
    if (worker !== this.worker) return;
    this.reportEnd(code, signal);
  }

  private reportEnd(code: number | null, signal: string | null): void {
    const readyMs = this.readyAt === undefined ? 0 : monotonicNow() - this.readyAt;
    this.worker = undefined;
    this.readyAt = undefined;
    const how = signal === null ? `exit code ${code}` : signal;
    const isOrderly = code === 0 || (signal !== null && signal === this.stopSignal);
    this.observer.onEnd(this, { how, isOrderly, restartMs: this.backoff.next(readyMs) });
  }
}
