import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Problem } from '../../platform/http/problem.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { GraceService } from './grace.service.js';
import { type GrantedStream, LeaseIssuerService } from './lease-issuer.service.js';
import { DatabaseUnavailable, type SlotRenewal, SlotRenewalService } from './slot-renewal.service.js';
import { StopTriggersService } from '../stop-triggers.service.js';

/** How long an edge node's renewal waits for PostgreSQL; less for a stream that may go on by grace. */
const TIMEOUT_MS = 5_000;
const TIMEOUT_WITH_GRACE_MS = 2_000;

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
    this.outcomes = metrics.counter('lease_renewals_total', 'Leases that were to be renewed', ['outcome']);
  }

  /** Throws Problem not_found, not_entitled, too_many_streams (with those that run) or unavailable. */
  async renew(streamId: string): Promise<GrantedStream> {
    const sentAt = Date.now();
    const timeoutMs = this.grace.knows(streamId) ? TIMEOUT_WITH_GRACE_MS : TIMEOUT_MS;
    try {
      const renewal = await this.slots.renew(streamId, timeoutMs);
      this.grace.recordRecovery();
      const { decision, found } = renewal;
      this.outcomes.inc({ outcome: decision });
      if (decision === 'renew' && found) return await this.issuer.issue(found.stream, found);
      throw await this.refuse(streamId, renewal);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error;
      this.outcomes.inc({ outcome: 'grace' });
      this.grace.recordOutage(sentAt);
      return this.issuer.issueByGrace(streamId);
    }
  }

  /** Records the refusal for the next outage; returns the Problem for the edge node. */
  private async refuse(streamId: string, { decision, found }: SlotRenewal): Promise<Problem> {
    if (!found || found.stream.endReason !== null) this.grace.recordStopped(streamId);
    else this.grace.recordRefused(streamId);
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
