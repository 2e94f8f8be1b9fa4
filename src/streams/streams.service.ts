import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { MembershipService } from '../membership/membership.service.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { Problem } from '../platform/http/problem.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import { type GrantedStream, LeasesService } from './leases/leases.service.js';
import { maxStreamsOf, type NewStream } from './stream.js';
import { StreamStore } from './stream.store.js';

/** An edge node waits no longer for PostgreSQL. A slot that is taken later all the same runs out by itself. */
const ANSWER_MS = 5_000;

/** Begins and ends streams. A user's slots are given out one after the other, under the user's lock. */
@Injectable()
export class StreamsService {
  constructor(
    private readonly store: StreamStore,
    private readonly leases: LeasesService,
    private readonly memberships: MembershipService,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Throws Problem not_entitled, too_many_streams (with those that run) or unknown_device; DeadlinePassed. */
  async start(wanted: NewStream): Promise<GrantedStream> {
    const streamId = randomBytes(16).toString('base64url');
    const slot = this.database.transaction('critical', (tx) => this.takeSlot(tx, streamId, wanted));
    const rights = await withTimeout(ANSWER_MS, slot);
    return this.leases.grant({ ...wanted, streamId }, rights);
  }

  /** The edge node says that it is over; saying so again changes nothing. */
  async end(streamId: string): Promise<void> {
    this.leases.over(streamId);
    await withTimeout(ANSWER_MS, this.store.end(streamId));
  }

  private async takeSlot(tx: Transaction, streamId: string, wanted: NewStream) {
    const { userId } = wanted;
    await this.memberships.lock(tx, userId);
    await this.store.lapse(tx, userId);
    const { owner, ...rights } = await this.store.rights(tx, wanted);
    if (owner !== null && owner !== userId) throw new Problem('unknown_device');
    const slots = maxStreamsOf(rights.entitlement.capabilities);
    if (!this.leases.canGrant(rights)) throw new Problem('not_entitled');
    const running = await this.store.running(userId, tx);
    if (running.length >= slots) throw new Problem('too_many_streams', undefined, { streams: running });
    const seconds = this.config.LEASE_SECONDS;
    await this.store.start(tx, { ...wanted, streamId, deviceRegistered: owner !== null, seconds });
    return rights;
  }
}
