import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import type { Entitlement } from '../../entitlements/entitlement.js';
import { GraceService } from './grace.service.js';
import { LeaseSignerService } from '../lease-keys/lease-signer.service.js';
import { type LeaseBounds, type LeaseClaims, leaseTimes } from './lease.js';

/** What an edge node gets for a stream: a signed lease and when it expires (ISO 8601). */
export interface GrantedStream {
  readonly streamId: string;
  readonly lease: string;
  readonly expiresAt: string;
}

/** The stream that a lease is for. */
export interface StreamOfLease {
  readonly streamId: string;
  readonly userId: string;
  readonly deviceId: string;
}

/** What a user may do now, and when the membership is known to end (ISO 8601). */
export interface TimedEntitlement {
  readonly entitlement: Entitlement;
  readonly endsAt: string | undefined;
}

/**
 * Issues leases: signs one for a stream that was found to be allowed, and tells the grace service of it. Whether a slot
 * is free or renewed is decided before, by StreamsService and SlotRenewalService.
 */
@Injectable()
export class LeaseIssuerService {
  constructor(
    private readonly keys: LeaseSignerService,
    private readonly grace: GraceService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Whether the user may stream, and for long enough that a lease would not expire at once. */
  canIssue({ entitlement, endsAt }: TimedEntitlement): boolean {
    return entitlement.capabilities.streaming && this.times([millis(endsAt)]) !== undefined;
  }

  /**
   * Issues a lease that ends with the slot and with the membership at the latest; `heldUntil` is until when the slot is held (monotonic, in ms).
   * Throws Problem not_entitled when the membership ends within a second, unavailable when the slot does: PostgreSQL took too long.
   */
  async issue(stream: StreamOfLease, timed: TimedEntitlement, heldUntil: number): Promise<GrantedStream> {
    if (!this.canIssue(timed)) throw new Problem('not_entitled');
    const claims = toClaims(stream, timed);
    const granted = await this.sign(claims, [
      this.keys.now + heldUntil - monotonicNow(),
      millis(timed.endsAt),
    ]);
    this.grace.recordIssued({ claims, endsAt: millis(timed.endsAt) });
    return granted;
  }

  /** PostgreSQL allowed the stream, but too late for the call: it goes on by grace as if it had got its lease. */
  recordLate(stream: StreamOfLease, timed: TimedEntitlement): void {
    this.grace.recordLate({ claims: toClaims(stream, timed), endsAt: millis(timed.endsAt) });
  }

  /**
   * For an outage of PostgreSQL: issues a lease that ends with the grace at the latest, to a stream that this node
   * issued one before. Throws Problem not_found for a stream that was stopped, unavailable for one that this node does
   * not know or when the grace is over.
   */
  async issueByGrace(streamId: string): Promise<GrantedStream> {
    const decision = this.grace.decide(streamId);
    if (!decision.allowed) throw new Problem(decision.stopped ? 'not_found' : 'unavailable');
    const { claims, endsAt } = decision.lastLease;
    if (decision.remainingMs < 1_000) throw new Problem('unavailable', 'The grace of this outage is over.');
    if (this.times([endsAt]) === undefined) throw new Problem('not_entitled');
    return this.sign(claims, [endsAt, this.keys.now + decision.remainingMs]);
  }

  /** The stream has ended: it gets no further lease from this node, not even by grace. */
  stopIssuing(streamId: string): void {
    this.grace.recordStopped(streamId);
  }

  private async sign(claims: LeaseClaims, bounds: LeaseBounds): Promise<GrantedStream> {
    const times = this.times(bounds);
    if (!times) throw new Problem('unavailable');
    const lease = await this.keys.sign(claims, times);
    return { streamId: claims.sid, lease, expiresAt: new Date(times.exp * 1_000).toISOString() };
  }

  private times(bounds: LeaseBounds) {
    return leaseTimes(this.keys.now, this.config.LEASE_SECONDS, bounds);
  }
}

const toClaims = (
  { streamId, userId, deviceId }: StreamOfLease,
  { entitlement: { version, capabilities } }: TimedEntitlement,
): LeaseClaims => ({ sub: userId, sid: streamId, did: deviceId, ver: version, cap: capabilities });

const millis = (instant: string | undefined): number | undefined =>
  instant === undefined ? undefined : Date.parse(instant);
