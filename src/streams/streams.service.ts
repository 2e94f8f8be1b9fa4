import { Inject, Injectable } from '@nestjs/common';
import { MembershipService } from '../membership/membership.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { newIdOf } from '../platform/postgres/bucket.js';
import { monotonicNow } from '../platform/scheduling/monotonic.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import {
  type GrantedStream,
  LeaseIssuerService,
  type TimedEntitlement,
} from './leases/lease-issuer.service.js';
import { maxStreamsOf, type NewStream } from './stream.js';
import { StreamStore } from './stream.store.js';

/** How long an edge node waits for PostgreSQL. A slot that is taken after the timeout all the same runs out by itself. */
const TIMEOUT_MS = 5_000;

/**
 * Starts and ends streams for edge nodes. A user's slots are given out under the user's lock, so never more than the
 * plan allows.
 */
@Injectable()
export class StreamsService {
  constructor(
    private readonly store: StreamStore,
    private readonly issuer: LeaseIssuerService,
    private readonly memberships: MembershipService,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Takes a slot and issues a lease. Throws Problem not_entitled or too_many_streams (with those that run), and TimeoutError when
   * PostgreSQL does not respond.
   */
  async start(newStream: NewStream): Promise<GrantedStream> {
    const streamId = newIdOf(newStream.userId);
    const sentAt = monotonicNow();
    const slot = this.database.transaction('critical', (tx) => this.takeSlot(tx, streamId, newStream));
    const entitlement = await withTimeout(TIMEOUT_MS, slot);
    // From before the slot was taken, so that the lease never outlives it.
    const heldUntil = sentAt + this.config.LEASE_SECONDS * 1_000;
    return this.issuer.issue({ ...newStream, streamId }, entitlement, heldUntil);
  }

  /** Ends a stream because its edge node reported the end. Ending it again changes nothing. */
  async end(streamId: string): Promise<void> {
    this.issuer.stopIssuing(streamId);
    await withTimeout(TIMEOUT_MS, this.store.end(streamId));
  }

  private async takeSlot(tx: Transaction, streamId: string, newStream: NewStream): Promise<TimedEntitlement> {
    const { userId } = newStream;
    await this.memberships.lock(tx, userId);
    await this.store.lapse(tx, userId);
    const { deviceRegistered, ...timed } = await this.store.readEntitlement(tx, newStream);
    if (!this.issuer.canIssue(timed)) throw new Problem('not_entitled');
    const running = await this.store.running(userId, tx);
    if (running.length >= maxStreamsOf(timed.entitlement.capabilities))
      throw new Problem('too_many_streams', undefined, { streams: running });
    const seconds = this.config.LEASE_SECONDS;
    await this.store.start(tx, { ...newStream, streamId, deviceRegistered, seconds });
    return timed;
  }
}
