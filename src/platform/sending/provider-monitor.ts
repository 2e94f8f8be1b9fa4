import { createHash } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { MetricsService } from '../metrics/metrics.service.js';
import { monotonicNow } from '../scheduling/monotonic.js';
import type { SendMonitor } from './outbound-provider.js';
import type { SendResult } from './send-result.js';

/** Broken credentials fail every message. Each reason is logged once in this time. */
const LOG_INTERVAL_MS = 60_000;
/** How long a failure because of our credentials or settings is told after it came last. */
const MISCONFIGURED_FOR_MS = 600_000;
/** Reasons and upstream services are a few; no provider can make the facts large. */
const MAX_LISTED = 50;

/** What is sent, for the log and the names of metrics. */
export interface MonitoredChannel<Message> {
  /** `usher_<name>_sends_total`, and the name of the log. */
  readonly name: 'push' | 'message';
  /** In the description of metrics: `push providers`. */
  readonly providers: string;
  readonly vendors: readonly string[];
  /** The heading in docs/operate/alerts.md for wrong credentials. */
  readonly alert: string;
  /** Where the message goes. It is hashed for the log. */
  addressOf(message: Message): string;
}

/** Measures what providers return, and logs what an operator must act on: broken credentials, a provider that is down. */
export class ProviderMonitor<Message> implements SendMonitor<Message> {
  private readonly log: Logger;
  /** Each upstream service whose circuit is open, its provider, and since when it is. */
  private readonly openCircuits = new Map<string, { readonly vendor: string; readonly since: Date }>();
  /** By provider and reason: the last message that failed because our credentials or settings are wrong. */
  private readonly misconfigurations = new Map<
    string,
    { readonly vendor: string; readonly reason: string; readonly lastAt: Date }
  >();
  private readonly loggedAt = new Map<string, number>();
  private readonly sends;
  private readonly misconfigured;
  private readonly seconds;

  constructor(
    private readonly channel: MonitoredChannel<Message>,
    metrics: MetricsService,
  ) {
    const { name, providers, vendors } = channel;
    this.log = new Logger(name);
    this.sends = metrics.counter(`${name}_sends_total`, `Messages sent to ${providers}, by result.`, [
      'vendor',
      'result',
    ]);
    this.misconfigured = metrics.counter(
      `${name}_misconfigured`,
      `Messages to ${providers} that failed because our credentials or settings are wrong. Alarm on any.`,
      ['vendor', 'reason'],
    );
    this.seconds = metrics.histogram(
      `${name}_seconds`,
      `From a message to ${providers} to its result, waiting included.`,
      ['vendor'],
    );
    metrics.gauges(
      `${name}_circuits_open`,
      `Open circuit breakers of ${providers}. Above 0: one fails, and is probed.`,
      'max',
      'vendor',
      () => {
        const open = [...this.openCircuits.values()];
        return new Map(vendors.map((one) => [one, open.filter(({ vendor }) => vendor === one).length]));
      },
    );
  }

  recordResult(provider: string, message: Message, result: SendResult, ms: number): void {
    this.sends.inc({ vendor: provider, result: result.is });
    this.seconds.observe({ vendor: provider }, ms / 1_000);
    if (result.is !== 'misconfigured') return;
    this.misconfigured.inc({ vendor: provider, reason: result.reason });
    const seen = { vendor: provider, reason: result.reason, lastAt: new Date() };
    this.misconfigurations.set(`${provider} ${result.reason}`, seen);
    this.logMisconfiguration(provider, message, result.reason);
  }

  recordCircuit(provider: string, upstream: string, state: 'open' | 'closed'): void {
    const wasOpen = this.openCircuits.has(upstream);
    if (state === 'open' && !wasOpen)
      this.openCircuits.set(upstream, { vendor: provider, since: new Date() });
    else if (state === 'closed') this.openCircuits.delete(upstream);
    if (state === 'open' && !wasOpen)
      this.log.warn(`${upstream} fails: its circuit is open, and it is probed until it recovers`);
    if (state === 'closed' && wasOpen) this.log.log(`${upstream} has recovered: its circuit is closed`);
  }

  /** Only the error's class is logged: its text may hold an address. */
  recordUnexpectedError(provider: string, error: unknown): void {
    this.log.error(
      `${provider} failed unexpectedly: ${error instanceof Error ? error.constructor.name : typeof error}`,
    );
  }

  /** Returns which circuits are open, for people to see. */
  listOpenCircuits() {
    return [...this.openCircuits]
      .slice(0, MAX_LISTED)
      .map(([upstream, circuit]) => Object.assign({ upstream }, circuit));
  }

  /** Returns what failed in the last ten minutes because of our credentials or settings. */
  listMisconfigurations() {
    const since = Date.now() - MISCONFIGURED_FOR_MS;
    for (const [subject, { lastAt }] of this.misconfigurations)
      if (lastAt.getTime() < since) this.misconfigurations.delete(subject);
    return [...this.misconfigurations.values()].slice(0, MAX_LISTED);
  }

  private logMisconfiguration(provider: string, message: Message, reason: string): void {
    const subject = `${provider} ${reason}`;
    const now = monotonicNow();
    if (now - (this.loggedAt.get(subject) ?? -Infinity) < LOG_INTERVAL_MS) return;
    this.loggedAt.set(subject, now);
    const hint = `see docs/operate/alerts.md#${this.channel.alert}`;
    const address = addressHash(this.channel.addressOf(message));
    this.log.error(`${provider} refuses us: ${reason} (address ${address}); ${hint}`);
  }
}

/** Names an address in a log. Nobody can send to it with this. */
const addressHash = (address: string): string =>
  createHash('sha256').update(address).digest('hex').slice(0, 8);
