import { Injectable, Logger } from '@nestjs/common';
import { Metrics } from '../platform/metrics.js';
import { addressHash } from './guard.js';
import type { PushMessage, PushVendor, Verdict } from './vendor.js';

type Vendor = PushVendor['name'];

/** Broken credentials fail every push: one line a reason in this time says it. */
const QUIET_MS = 60_000;
const VENDORS: readonly Vendor[] = ['apns', 'fcm', 'webpush'];

/** Counts what vendors say, and tells what an operator must know: that a credential is broken, that a vendor is away. */
@Injectable()
export class GuardWatch {
  private readonly log = new Logger('push');
  private readonly open = new Map<string, Vendor>();
  private readonly told = new Map<string, number>();
  private readonly sends;
  private readonly ourFault;
  private readonly seconds;

  constructor(metrics: Metrics) {
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
  said(vendor: Vendor, message: PushMessage, verdict: Verdict, ms: number): void {
    this.sends.inc({ vendor, verdict: verdict.is });
    this.seconds.observe({ vendor }, ms / 1_000);
    if (verdict.is !== 'our_fault') return;
    this.ourFault.inc({ vendor, reason: verdict.reason });
    this.tell(vendor, message, verdict.reason);
  }

  circuit(vendor: Vendor, lane: string, state: 'open' | 'closed'): void {
    const known = this.open.has(lane);
    if (state === 'open') this.open.set(lane, vendor);
    else this.open.delete(lane);
    if (state === 'open' && !known)
      this.log.warn(`${lane} fails: it is left alone, and probed until it is well`);
    if (state === 'closed' && known) this.log.log(`${lane} is well again`);
  }

  /** A fault of ours that no vendor's answer explains. Its text may hold an address, so its kind must do. */
  surprise(vendor: Vendor, error: unknown): void {
    this.log.error(
      `${vendor} failed unexpectedly: ${error instanceof Error ? error.constructor.name : typeof error}`,
    );
  }

  private tell(vendor: Vendor, { to }: PushMessage, reason: string): void {
    const about = `${vendor} ${reason}`;
    const now = Date.now();
    if (now - (this.told.get(about) ?? 0) < QUIET_MS) return;
    this.told.set(about, now);
    const hint = 'see "Connecting the push services" in docs/operations.md';
    this.log.error(`${vendor} refuses us: ${reason} (address ${addressHash(to.address)}); ${hint}`);
  }
}
