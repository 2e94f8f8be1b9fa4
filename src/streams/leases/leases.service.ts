import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import type { Entitlement } from '../../entitlements/entitlement.js';
import { GraceService } from './grace.service.js';
import { LeaseKeysService } from '../lease-keys/lease-keys.service.js';
import { type LeaseBounds, type LeaseClaims, leaseTimes } from './lease.js';

/** What an edge node gets for a stream. */
export interface GrantedStream {
  readonly streamId: string;
  readonly lease: string;
  readonly expiresAt: string;
}

/** What a user may do, and when that is known to end. */
export interface StreamRights {
  readonly entitlement: Entitlement;
  readonly endsAt: string | undefined;
}

/** Gives out leases, and remembers to whom it said yes. */
@Injectable()
export class LeasesService {
  constructor(
    private readonly keys: LeaseKeysService,
    private readonly grace: GraceService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Whether the user may stream, and not only for another moment. */
  canGrant({ entitlement, endsAt }: StreamRights): boolean {
    return entitlement.capabilities.streaming && this.times([millis(endsAt)]) !== undefined;
  }

  /** Throws Problem not_entitled when the membership ends this very moment. */
  async grant(
    { streamId, userId, deviceId }: { streamId: string; userId: string; deviceId: string },
    { entitlement, endsAt }: StreamRights,
  ): Promise<GrantedStream> {
    const { version, capabilities } = entitlement;
    const claims = { sub: userId, sid: streamId, did: deviceId, ver: version, cap: capabilities };
    const granted = await this.signed(claims, [millis(endsAt)]);
    this.grace.remember({ claims, endsAt: millis(endsAt) });
    return granted;
  }

  /**
   * While PostgreSQL is away: a lease that ends with the grace, for a stream that was granted before. Throws Problem
   * not_found for one that was stopped, and unavailable for one that this node knows nothing of, or when the grace is over.
   */
  async grantByGrace(streamId: string): Promise<GrantedStream> {
    const answer = this.grace.decide(streamId);
    if (!answer.allowed) throw new Problem(answer.refused ? 'not_found' : 'unavailable');
    const { claims, endsAt } = answer.yes;
    if (answer.until - Date.now() < 1_000)
      throw new Problem('unavailable', 'The grace of this outage is over.');
    return this.signed(claims, [endsAt, answer.until]);
  }

  /** Whether this node said yes to the stream, or knows that it was stopped. */
  remembers(streamId: string): boolean {
    const answer = this.grace.decide(streamId);
    return answer.allowed || answer.refused;
  }

  /** PostgreSQL did not answer what was asked at `began`, in ms. */
  outageBegan(began: number): void {
    this.grace.outageBegan(began);
  }

  /** PostgreSQL is there. */
  outageEnded(): void {
    this.grace.outageEnded();
  }

  /** The stream is refused for now. */
  refused(streamId: string): void {
    this.grace.refuse(streamId);
  }

  /** The stream will never go on. */
  over(streamId: string): void {
    this.grace.stop(streamId);
  }

  private async signed(claims: LeaseClaims, bounds: LeaseBounds): Promise<GrantedStream> {
    const times = this.times(bounds);
    if (!times) throw new Problem('not_entitled');
    const lease = await this.keys.sign(claims, times);
    return { streamId: claims.sid, lease, expiresAt: new Date(times.exp * 1_000).toISOString() };
  }

  private times(bounds: LeaseBounds) {
    return leaseTimes(Date.now(), this.config.LEASE_SECONDS, bounds);
  }
}

const millis = (instant: string | undefined): number | undefined =>
  instant === undefined ? undefined : Date.parse(instant);
