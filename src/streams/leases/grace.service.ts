import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { growingCache } from '../../platform/growing-cache.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { edgeBroadcast } from '../edges/edge-notice.js';
import type { LeaseClaims } from './lease.js';

/** Streams that a node remembers, at some 300 bytes each. A stream that fell out of the cache has no grace. */
const MAX_REMEMBERED = 100_000;

/** The last lease that was issued to a stream. */
export interface IssuedLease {
  readonly claims: LeaseClaims;
  /** When the membership ends, in ms since 1970, if that is known. */
  readonly endsAt: number | undefined;
}

/** A lease, and since when its stream's renewals get no answer (monotonic, in ms); undefined while they do. */
interface RememberedLease extends IssuedLease {
  unansweredSince?: number;
}

/** Whether a stream may go on during an outage: for how many ms more, or whether it was stopped. */
export type GraceDecision =
  | { readonly allowed: true; readonly lastLease: IssuedLease; readonly remainingMs: number }
  | { readonly allowed: false; readonly stopped: boolean };

/**
 * Decides which streams may go on while PostgreSQL is unavailable: those that this node issued a lease to and that were
 * not refused or stopped since, for GRACE_SECONDS from the start of the outage. An outage of ours must not stop people
 * who pay; letting a stream go on that should have been stopped is the lesser failure, and it is bounded.
 *
 * A PostgreSQL that is slow rather than away answers the pings between renewals that it does not answer. So the grace of a stream ends
 * GRACE_SECONDS after the first of its own renewals that got no answer, whatever the pings say: else it would begin anew with each.
 */
@Injectable()
export class GraceService {
  private readonly issued = growingCache<RememberedLease>(MAX_REMEMBERED);
  /** Streams that were stopped for good. Kept apart, so that a renewal that was in flight cannot bring one back. */
  private readonly stopped = growingCache<true>(MAX_REMEMBERED);
  /** Monotonic, in ms: a clock that is set must not lengthen the grace or end it. */
  private outageSince: number | undefined;

  constructor(
    bus: EventBusService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    bus.subscribe(edgeBroadcast, ({ notices }) => {
      for (const notice of notices)
        if (notice.type === 'stream.stop') this.recordStopped(notice.data.streamId);
    });
  }

  /** PostgreSQL allowed the stream: its grace is whole again. */
  recordIssued(lease: IssuedLease): void {
    this.issued.set(lease.claims.sid, { ...lease });
  }

  /** The same, of an answer that came late. It counts only while nothing newer has refused the stream. */
  recordLate(lease: IssuedLease): void {
    if (this.issued.has(lease.claims.sid)) this.recordIssued(lease);
  }

  /** PostgreSQL did not answer in time to the stream's renewal, which was sent at `sentAt` (monotonic, in ms). */
  recordUnanswered(streamId: string, sentAt: number): void {
    const lease = this.issued.get(streamId);
    if (lease) lease.unansweredSince ??= sentAt;
  }

  /** The stream's last renewal was refused; a later one may succeed. */
  recordRefused(streamId: string): void {
    this.issued.delete(streamId);
  }

  /** The stream ended for good. */
  recordStopped(streamId: string): void {
    this.issued.delete(streamId);
    this.stopped.set(streamId, true);
  }

  /** PostgreSQL did not answer a query sent at `sentAt` (monotonic, in ms). The outage began with the first such query. */
  recordOutage(sentAt: number): void {
    this.outageSince ??= sentAt;
  }

  /** PostgreSQL answered a query: the outage is over. */
  recordRecovery(): void {
    this.outageSince = undefined;
  }

  /** Whether PostgreSQL is known to be away. */
  get isOutage(): boolean {
    return this.outageSince !== undefined;
  }

  /** Whether this node issued a lease to the stream, or knows that it was stopped: then it can decide during an outage. */
  knows(streamId: string): boolean {
    const decision = this.decide(streamId);
    return decision.allowed || decision.stopped;
  }

  /** Whether the stream may go on without PostgreSQL, and for how long. */
  decide(streamId: string): GraceDecision {
    const lastLease = this.issued.get(streamId);
    if (this.stopped.has(streamId)) return { allowed: false, stopped: true };
    if (!lastLease) return { allowed: false, stopped: false };
    const now = monotonicNow();
    const since = Math.min(this.outageSince ?? now, lastLease.unansweredSince ?? Infinity);
    return { allowed: true, lastLease, remainingMs: since + this.config.GRACE_SECONDS * 1_000 - now };
  }
}
