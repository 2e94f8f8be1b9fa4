import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { readProcessNumber } from '../config/process-number.js';
import { Problem } from '../http/problem.js';
import { MetricsService } from '../metrics/metrics.service.js';
import { withTimeout } from '../scheduling/timeout.js';
import { asPrimaryMessage, type PrimaryMessage, type ProcessMessage } from './process-message.js';

/** How often the primary hears that the event loop runs; see CHECK_MS in primary.ts. */
const ALIVE_MS = 5_000;
/** Longer than the primary waits for the processes (collected-metrics.ts). Prometheus waits ten seconds unless told otherwise. */
const SCRAPE_TIMEOUT_MS = 4_000;

/** The channel to the primary of PROCESSES. Where a process serves alone there is none, and nothing here has an effect. */
@Injectable()
export class PrimaryLinkService implements OnApplicationShutdown {
  /** Whether there is a primary. */
  readonly isThere = readProcessNumber() !== undefined;
  private readonly log = new Logger('processes');
  private onAllReady: () => void = () => undefined;
  private onScraped: (text: string) => void = () => undefined;
  private readonly listeners = new Map<string, (body: unknown) => void>();
  private scraping: Promise<string> | undefined;
  private aliveTimer: NodeJS.Timeout | undefined;

  constructor(private readonly metrics: MetricsService) {}

  /** To be called once, when this process listens. Calls `onAllReady` when all of them have been ready once; at once without a primary. */
  ready(onAllReady: () => void): void {
    if (!this.isThere) return onAllReady();
    this.onAllReady = onAllReady;
    process.on('message', (message) => {
      const ours = asPrimaryMessage(message);
      if (ours) this.receive(ours);
    });
    // Node ends a process whose primary has died, at once: nobody would listen on its behalf, nor stop it.
    process.prependOnceListener('disconnect', () => this.log.fatal('the primary is gone: this process ends'));
    this.aliveTimer = setInterval(() => send({ usher: 'alive' }), ALIVE_MS).unref();
    send({ usher: 'ready' });
  }

  /** Returns the metrics of all processes in Prometheus' text format. Throws Problem unavailable when the primary does not respond. */
  metricsOfAll(): Promise<string> {
    this.scraping ??= this.scrape().finally(() => (this.scraping = undefined));
    return this.scraping;
  }

  /** Sends something that structuredClone can copy to the other processes of this machine, which may lose it. Without any it does nothing. */
  broadcast(topic: string, body: unknown): void {
    if (this.isThere) send({ usher: 'broadcast', topic, body });
  }

  /** Calls `listener`, one for each topic, with what other processes broadcast. */
  onBroadcast(topic: string, listener: (body: unknown) => void): void {
    this.listeners.set(topic, listener);
  }

  onApplicationShutdown(): void {
    clearInterval(this.aliveTimer);
  }

  private async scrape(): Promise<string> {
    const scraped = new Promise<string>((resolve) => (this.onScraped = resolve));
    send({ usher: 'scrape' });
    return withTimeout(SCRAPE_TIMEOUT_MS, scraped).catch(() => {
      throw new Problem('unavailable', 'the primary did not return the metrics of all processes in time');
    });
  }

  private receive(message: PrimaryMessage): void {
    if (message.usher === 'all-ready') this.onAllReady();
    else if (message.usher === 'scraped') this.onScraped(message.text);
    else if (message.usher === 'broadcast') this.listeners.get(message.topic)?.(message.body);
    else this.sendMetrics(message.round).catch((error: unknown) => this.log.error(error));
  }

  private async sendMetrics(round: number): Promise<void> {
    const metrics = await this.metrics.registry.getMetricsAsJSON();
    send({ usher: 'metrics', round, metrics });
  }
}

/** Without the callback an error would be thrown. It means that the primary is gone, which ends this process anyway. */
const send = (message: ProcessMessage): void => {
  process.send?.(message, undefined, undefined, () => undefined);
};
