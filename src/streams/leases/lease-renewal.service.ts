import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Problem } from '../../platform/http/problem.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { type GrantedStream, LeasesService } from './leases.service.js';
import { type SlotRenewal, SlotRenewalService, DatabaseUnavailable } from './slot-renewal.service.js';
import { StopTriggersService } from '../stop-triggers.service.js';
import type { RenewalDecision } from '../stream.js';
import { StreamStore } from '../stream.store.js';

/** An edge node waits no longer for PostgreSQL; less for a stream that could go on by grace. */
const ANSWER_MS = 5_000;
const KNOWN_ANSWER_MS = 2_000;

/** Renews a running stream's lease, or says why not; while PostgreSQL is away, the grace decides. */
@Injectable()
export class LeaseRenewalService {
  private readonly outcomes: Counter<'outcome'>;

  constructor(
    private readonly renewals: SlotRenewalService,
    private readonly leases: LeasesService,
    private readonly causes: StopTriggersService,
    private readonly store: StreamStore,
    metrics: MetricsService,
  ) {
    this.outcomes = metrics.counter('lease_renewals_total', 'Leases that were to be renewed', ['outcome']);
  }

  /** Throws Problem not_found, not_entitled, too_many_streams (with those that run) or unavailable. */
  async renew(streamId: string): Promise<GrantedStream> {
    const began = Date.now();
    const patience = this.leases.remembers(streamId) ? KNOWN_ANSWER_MS : ANSWER_MS;
    try {
      const { decision: verdict, found } = await this.renewals.renew(streamId, patience);
      this.leases.outageEnded();
      this.outcomes.inc({ outcome: verdict });
      if (verdict === 'renew' && found) return await this.leases.grant(found.stream, found);
      throw await this.refusal(streamId, verdict, found);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error;
      this.outcomes.inc({ outcome: 'grace' });
      this.leases.outageBegan(began);
      return this.leases.grantByGrace(streamId);
    }
  }

  private async refusal(
    streamId: string,
    verdict: RenewalDecision,
    found: SlotRenewal['found'],
  ): Promise<Problem> {
    if (!found || found.stream.endReason !== null) this.leases.over(streamId);
    else this.leases.refused(streamId);
    if (verdict === 'not_entitled') return new Problem('not_entitled');
    if (verdict === 'too_many_streams' && found) {
      return new Problem('too_many_streams', undefined, {
        streams: await this.store.running(found.stream.userId),
      });
    }
    if (verdict === 'device_removed' && found) await this.causes.stopForRemovedDevice(found.stream);
    const reason = found?.stream.endReason ?? (verdict === 'device_removed' ? verdict : undefined);
    return new Problem('not_found', 'There is no such stream, or it has ended.', {
      ...(reason && { reason }),
    });
  }
}
