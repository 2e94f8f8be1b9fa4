import { Latencies, type LatencySummary } from './latencies.js';

/** What is measured: the tiers, and the way from a payment processor's webhook to the device. */
export const MEASURED = ['critical', 'important', 'routine', 'plan change'] as const;
/** One of MEASURED. */
export type Measured = (typeof MEASURED)[number];

/** What every simulated event carries, so that whoever receives it can tell whether it is theirs. */
export interface SimulatedData {
  readonly userId: string;
  readonly n: number;
}

/** What the ledger needs to know of a device. */
export interface ListeningDevice {
  readonly userId: string;
  readonly deviceId: string;
  /** Since when it is connected without a break, in ms as performance.now() counts; Infinity while it is not. */
  readonly liveSince: number;
}

/** How the evening went. `lost`: durable events that a device never got. */
export interface Verdict {
  readonly published: number;
  readonly routinePublished: number;
  readonly delivered: number;
  readonly lost: number;
  readonly misdelivered: number;
  readonly latencies: Readonly<Record<Measured, LatencySummary>>;
}

/** A routine event that was not there by then is not coming: it is sent once, to the devices that are connected. */
const ROUTINE_MS = 10_000;

/** Knows which device should get which event, and what it got. */
export class Ledger {
  private readonly missing = new Map<
    ListeningDevice,
    Map<number, { readonly tier: Measured; readonly at: number }>
  >();
  private readonly latencies = new Map(MEASURED.map((name) => [name, new Latencies()]));
  private published = 0;
  private routinePublished = 0;
  private delivered = 0;
  private misdelivered = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** An event is about to be published: before that, since a device may get it before the response comes. */
  expect(devices: readonly ListeningDevice[], n: number, tier: Measured): void {
    const at = this.now();
    for (const device of devices) {
      const missing = this.missingOf(device);
      for (const [old, { tier, at: then }] of missing)
        if (tier === 'routine' && at - then > ROUTINE_MS) missing.delete(old);
      missing.set(n, { tier, at });
    }
    if (tier === 'routine') this.routinePublished += 1;
    else this.published += 1;
  }

  /** It was not published after all. */
  withdraw(devices: readonly ListeningDevice[], n: number, tier: Measured): void {
    for (const device of devices) this.missingOf(device).delete(n);
    if (tier === 'routine') this.routinePublished -= 1;
    else this.published -= 1;
  }

  /** A device got an event. */
  record(device: ListeningDevice, { userId, n }: SimulatedData): void {
    if (userId !== device.userId) this.misdelivered += 1;
    const expected = userId === device.userId ? this.missingOf(device).get(n) : undefined;
    if (!expected) return;
    this.missingOf(device).delete(n);
    if (expected.tier !== 'routine') this.delivered += 1;
    // Of one that was caught up on, the time says how long the device was away.
    if (device.liveSince <= expected.at) this.measure(expected.tier, this.now() - expected.at);
  }

  measure(what: Measured, ms: number): void {
    this.latencies.get(what)?.record(ms);
  }

  /** Durable events that a device has not got yet. */
  missingFor(device: ListeningDevice): number[] {
    return [...this.missingOf(device)].filter(([, { tier }]) => tier !== 'routine').map(([n]) => n);
  }

  /** How many durable events some device has not got yet. At the end they are lost. */
  lost(): number {
    return [...this.missing.keys()].reduce((sum, device) => sum + this.missingFor(device).length, 0);
  }

  verdict(): Verdict {
    const latencies = Object.fromEntries([...this.latencies].map(([name, one]) => [name, one.summary()]));
    return {
      published: this.published,
      routinePublished: this.routinePublished,
      delivered: this.delivered,
      lost: this.lost(),
      misdelivered: this.misdelivered,
      latencies: latencies as Record<Measured, LatencySummary>,
    };
  }

  private missingOf(device: ListeningDevice) {
    let missing = this.missing.get(device);
    if (!missing) this.missing.set(device, (missing = new Map()));
    return missing;
  }
}
