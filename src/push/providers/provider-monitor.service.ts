import { createHash } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import type { PushMessage } from './push-message.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from './push-provider.js';
import type { SendResult } from './send-result.js';

/** Broken credentials fail every push. Each reason is logged once in this time. */
const LOG_INTERVAL_MS = 60_000;

/** Measures what providers return, and logs what an operator must act on: broken credentials, a provider that is down. */
@Injectable()
export class ProviderMonitorService {
  private readonly log = new Logger('push');
  /** The provider of each upstream service whose circuit is open. */
  private readonly openCircuits = new Map<string, string>();
  private readonly loggedAt = new Map<string, number>();
  private readonly sends;
  private readonly misconfigured;
  private readonly seconds;

  constructor(
    metrics: MetricsService,
    @Inject(PUSH_PROVIDERS) definitions: readonly Pick<PushProviderDefinition, 'name'>[],
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
      return new Map(definitions.map(({ name }) => [name, open.filter((one) => one === name).length]));
    });
  }

  /** `ms`: since the send began. */
  recordResult(provider: string, message: PushMessage, result: SendResult, ms: number): void {
    this.sends.inc({ vendor: provider, result: result.is });
    this.seconds.observe({ vendor: provider }, ms / 1_000);
    if (result.is !== 'misconfigured') return;
    this.misconfigured.inc({ vendor: provider, reason: result.reason });
    this.logMisconfiguration(provider, message, result.reason);
  }

  /** An upstream service's circuit breaker has opened or closed. */
  recordCircuit(provider: string, upstream: string, state: 'open' | 'closed'): void {
    const wasOpen = this.openCircuits.has(upstream);
    if (state === 'open') this.openCircuits.set(upstream, provider);
    else this.openCircuits.delete(upstream);
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

  private logMisconfiguration(provider: string, { to }: PushMessage, reason: string): void {
    const subject = `${provider} ${reason}`;
    const now = monotonicNow();
    if (now - (this.loggedAt.get(subject) ?? -Infinity) < LOG_INTERVAL_MS) return;
    this.loggedAt.set(subject, now);
    const hint = 'see "Connecting the push services" in docs/operations.md';
    this.log.error(`${provider} refuses us: ${reason} (address ${addressHash(to.address)}); ${hint}`);
  }
}

/** Names an address in a log. Nobody can push to it with this. */
const addressHash = (address: string): string =>
  createHash('sha256').update(address).digest('hex').slice(0, 8);
