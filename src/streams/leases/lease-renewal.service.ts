import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Problem } from '../../platform/http/problem.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { GraceService } from './grace.service.js';
import { type GrantedStream, LeaseIssuerService } from './lease-issuer.service.js';
import { DatabaseUnavailable, type SlotRenewal, SlotRenewalService } from './slot-renewal.service.js';
import { StopTriggersService } from '../stop-triggers.service.js';

/** How long an edge node's renewal waits for PostgreSQL; less for a stream that may go on by grace. */
const TIMEOUT_MS = 5_000;
const TIMEOUT_WITH_GRACE_MS = 2_000;
/** Either while PostgreSQL is known to be away: callers must not queue up behind a connection that will not come. */
const OUTAGE_TIMEOUT_MS = 250;

/**
 * An edge node's call to renew a lease: renews the stream's slot (SlotRenewalService), then issues the new lease
 * (LeaseIssuerService). During an outage of PostgreSQL the grace decides instead.
 */
@Injectable()
export class LeaseRenewalService {
  private readonly outcomes: Counter<'outcome'>;

  constructor(
    private readonly slots: SlotRenewalService,
    private readonly issuer: LeaseIssuerService,
    private readonly grace: GraceService,
    private readonly stopTriggers: StopTriggersService,
    metrics: MetricsService,
  ) {
    this.outcomes = metrics.counter(
      'lease_renewals_total',
      'Leases that were to be renewed. `grace`: PostgreSQL is away, and running streams go on by grace.',
      ['outcome'],
    );
  }

  /** Throws Problem not_found, not_entitled, too_many_streams (with those that run) or unavailable. */
  async renew(streamId: string): Promise<GrantedStream> {
    const sentAt = monotonicNow();
    try {
      const renewal = await this.slots.renew(streamId, this.timeoutMs(streamId), (late) =>
        this.learnLate(streamId, late),
      );
      this.grace.recordRecovery();
      const { decision, found, heldUntil } = renewal;
      this.outcomes.inc({ outcome: decision });
      if (heldUntil !== undefined && found) return await this.issuer.issue(found.stream, found, heldUntil);
      this.recordRefusal(streamId, renewal);
      throw await this.toProblem(renewal);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error;
      this.outcomes.inc({ outcome: 'grace' });
      // It may be that only too many renewals wait. Whether PostgreSQL is away, OutageDetectorWorker finds out.
      this.grace.recordUnanswered(streamId, sentAt);
      return this.issuer.issueByGrace(streamId);
    }
  }

  private timeoutMs(streamId: string): number {
    if (this.grace.isOutage) return OUTAGE_TIMEOUT_MS;
    return this.grace.knows(streamId) ? TIMEOUT_WITH_GRACE_MS : TIMEOUT_MS;
  }

  /** The caller has gone on by grace, but what PostgreSQL decided holds: a refusal ends the grace, and a renewal restores it. */
  private learnLate(streamId: string, renewal: SlotRenewal): void {
    if (renewal.decision === 'renew' && renewal.found)
      this.issuer.recordLate(renewal.found.stream, renewal.found);
    else this.recordRefusal(streamId, renewal);
  }

  /** Records the refusal for the next outage. */
  private recordRefusal(streamId: string, { found }: SlotRenewal): void {
    if (!found || found.stream.endReason !== null) this.grace.recordStopped(streamId);
    else this.grace.recordRefused(streamId);
  }

  /** Returns the refusal for the edge node, which also learns why. */
  private async toProblem({ decision, found }: SlotRenewal): Promise<Problem> {
    if (decision === 'not_entitled') return new Problem('not_entitled');
    if (decision === 'too_many_streams' && found) {
      return new Problem('too_many_streams', undefined, {
        streams: await this.slots.running(found.stream.userId),
      });
    }
    if (decision === 'device_removed' && found) await this.stopTriggers.stopForRemovedDevice(found.stream);
    const reason = found?.stream.endReason ?? (decision === 'device_removed' ? decision : undefined);
    return new Problem('not_found', 'There is no such stream, or it has ended.', {
      ...(reason && { reason }),
    });
  }
}
