import { createHash } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { NodeFactsService } from '../../platform/node-facts.service.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import type { PushMessage } from './push-message.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from './push-provider.js';
import type { SendResult } from './send-result.js';

/** Broken credentials fail every push. Each reason is logged once in this time. */
const LOG_INTERVAL_MS = 60_000;

/** How long a failure because of our credentials or settings is told after it came last. */
const MISCONFIGURED_FOR_MS = 600_000;
/** Reasons and upstream services are a few; no provider can make the facts large. */
const MAX_LISTED = 50;

/** Measures what providers return, and logs what an operator must act on: broken credentials, a provider that is down. */
@Injectable()
export class ProviderMonitorService {
  private readonly log = new Logger('push');
  /** Each upstream service whose circuit is open, its provider, and since when it is. */
  private readonly openCircuits = new Map<string, { readonly vendor: string; readonly since: Date }>();
  /** By provider and reason: the last push that failed because our credentials or settings are wrong. */
  private readonly misconfigurations = new Map<
    string,
    { readonly vendor: string; readonly reason: string; readonly lastAt: Date }
  >();
  private readonly loggedAt = new Map<string, number>();
  private readonly sends;
  private readonly misconfigured;
  private readonly seconds;

  constructor(
    metrics: MetricsService,
    @Inject(PUSH_PROVIDERS) definitions: readonly Pick<PushProviderDefinition, 'name'>[],
    facts: NodeFactsService,
  ) {
    this.sends = metrics.counter('push_sends_total', 'Messages sent to push providers, by result', [
      'vendor',
      'result',
    ]);
    this.misconfigured = metrics.counter(
      'push_misconfigured',
      'Pushes that failed because our credentials or settings are wrong. Alarm on any.',
      ['vendor', 'reason'],
    );
    this.seconds = metrics.histogram(
      'push_seconds',
      'From a push to its result, in seconds, waiting included',
      ['vendor'],
    );
    metrics.gauges('push_circuits_open', 'Open circuit breakers of push providers', 'max', 'vendor', () => {
      const open = [...this.openCircuits.values()];
      return new Map(
        definitions.map(({ name }) => [name, open.filter(({ vendor }) => vendor === name).length]),
      );
    });
    facts.add('openCircuits', () =>
      [...this.openCircuits]
        .slice(0, MAX_LISTED)
        .map(([upstream, circuit]) => Object.assign({ upstream }, circuit)),
    );
    facts.add('misconfigured', () => this.recentMisconfigurations());
  }

  /** `ms`: since the send began. */
  recordResult(provider: string, message: PushMessage, result: SendResult, ms: number): void {
    this.sends.inc({ vendor: provider, result: result.is });
    this.seconds.observe({ vendor: provider }, ms / 1_000);
    if (result.is !== 'misconfigured') return;
    this.misconfigured.inc({ vendor: provider, reason: result.reason });
    const seen = { vendor: provider, reason: result.reason, lastAt: new Date() };
    this.misconfigurations.set(`${provider} ${result.reason}`, seen);
    this.logMisconfiguration(provider, message, result.reason);
  }

  /** An upstream service's circuit breaker has opened or closed. */
  recordCircuit(provider: string, upstream: string, state: 'open' | 'closed'): void {
    const wasOpen = this.openCircuits.has(upstream);
    if (state === 'open' && !wasOpen)
      this.openCircuits.set(upstream, { vendor: provider, since: new Date() });
    else if (state === 'closed') this.openCircuits.delete(upstream);
    if (state === 'open' && !wasOpen)
      this.log.warn(`${upstream} fails: its circuit is open, and it is probed until it recovers`);
    if (state === 'closed' && wasOpen) this.log.log(`${upstream} has recovered: its circuit is closed`);
  }

  /** An error of ours that no response explains. Only its class is logged: its text may hold a push address. */
  recordUnexpectedError(provider: string, error: unknown): void {
    this.log.error(
      `${provider} failed unexpectedly: ${error instanceof Error ? error.constructor.name : typeof error}`,
    );
  }

  private recentMisconfigurations() {
    const since = Date.now() - MISCONFIGURED_FOR_MS;
    for (const [subject, { lastAt }] of this.misconfigurations)
      if (lastAt.getTime() < since) this.misconfigurations.delete(subject);
    return [...this.misconfigurations.values()].slice(0, MAX_LISTED);
  }

  private logMisconfiguration(provider: string, { to }: PushMessage, reason: string): void {
    const subject = `${provider} ${reason}`;
    const now = monotonicNow();
    if (now - (this.loggedAt.get(subject) ?? -Infinity) < LOG_INTERVAL_MS) return;
    this.loggedAt.set(subject, now);
    const hint = 'see docs/operate/alerts.md#usherpushmisconfigured';
    this.log.error(`${provider} refuses us: ${reason} (address ${addressHash(to.address)}); ${hint}`);
  }
}

/** Names an address in a log. Nobody can push to it with this. */
const addressHash = (address: string): string =>
  createHash('sha256').update(address).digest('hex').slice(0, 8);
