import { Injectable, Logger } from '@nestjs/common';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { addressHash } from './circuit-breaker.js';
import type { PushMessage, PushProvider, SendResult } from './push-provider.js';

type Vendor = PushProvider['name'];

/** Broken credentials fail every push: one line a reason in this time says it. */
const QUIET_MS = 60_000;
const VENDORS: readonly Vendor[] = ['apns', 'fcm', 'webpush'];

/** Counts what vendors say, and tells what an operator must know: that a credential is broken, that a vendor is away. */
@Injectable()
export class ProviderMonitorService {
  private readonly log = new Logger('push');
  private readonly open = new Map<string, Vendor>();
  private readonly loggedAt = new Map<string, number>();
  private readonly sends;
  private readonly ourFault;
  private readonly seconds;

  constructor(metrics: MetricsService) {
    this.sends = metrics.counter('push_sends_total', 'What vendors said of pushes.', ['vendor', 'verdict']);
    this.ourFault = metrics.counter(
      'push_our_fault',
      'Pushes that failed because our credentials or settings are wrong. Alarm on any.',
      ['vendor', 'reason'],
    );
    this.seconds = metrics.histogram('push_seconds', 'From a push to its verdict, waiting included.', [
      'vendor',
    ]);
    metrics.gauges('push_circuits_open', 'Vendors that are left alone because they fail.', 'vendor', () => {
      const open = [...this.open.values()];
      return new Map(VENDORS.map((name) => [name, open.filter((one) => one === name).length]));
    });
  }

  /** `ms` since the send began. */
  recordResult(vendor: Vendor, message: PushMessage, verdict: SendResult, ms: number): void {
    this.sends.inc({ vendor, verdict: verdict.is });
    this.seconds.observe({ vendor }, ms / 1_000);
    if (verdict.is !== 'our_fault') return;
    this.ourFault.inc({ vendor, reason: verdict.reason });
    this.logMisconfiguration(vendor, message, verdict.reason);
  }

  recordCircuit(vendor: Vendor, lane: string, state: 'open' | 'closed'): void {
    const known = this.open.has(lane);
    if (state === 'open') this.open.set(lane, vendor);
    else this.open.delete(lane);
    if (state === 'open' && !known)
      this.log.warn(`${lane} fails: it is left alone, and probed until it is well`);
    if (state === 'closed' && known) this.log.log(`${lane} is well again`);
  }

  /** A fault of ours that no vendor's answer explains. Its text may hold an address, so its kind must do. */
  recordUnexpectedError(vendor: Vendor, error: unknown): void {
    this.log.error(
      `${vendor} failed unexpectedly: ${error instanceof Error ? error.constructor.name : typeof error}`,
    );
  }

  private logMisconfiguration(vendor: Vendor, { to }: PushMessage, reason: string): void {
    const about = `${vendor} ${reason}`;
    const now = Date.now();
    if (now - (this.loggedAt.get(about) ?? 0) < QUIET_MS) return;
    this.loggedAt.set(about, now);
    const hint = 'see "Connecting the push services" in docs/operations.md';
    this.log.error(`${vendor} refuses us: ${reason} (address ${addressHash(to.address)}); ${hint}`);
  }
}
