import { Inject, Injectable } from '@nestjs/common';
import { MembershipService } from '../../membership/membership.service.js';
import { Batcher, QueueFull } from '../../platform/scheduling/batcher.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database } from '../../platform/postgres/database.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { OutageAwareTimeout } from '../../platform/postgres/outage-aware-timeout.js';
import { TimeoutError, withTimeout } from '../../platform/scheduling/timeout.js';
import { STREAM_ID } from '../../mailbox/events/event-data.schema.js';
import { type RenewalDecision, type RunningStream, decideRenewal } from '../stream.js';
import { type StreamWithEntitlement, StreamStore } from '../stream.store.js';

/** A stream whose slot is to be renewed; with a `userId` only if it is this user's. */
interface RenewalRequest {
  readonly streamId: string;
  readonly userId?: string;
}

/** Whether the slot was renewed or why not. `found` is undefined when there is no such stream. */
export interface SlotRenewal {
  readonly decision: RenewalDecision;
  readonly found: StreamWithEntitlement | undefined;
}

/** How long a renewal waits while PostgreSQL is known to be unavailable: enough to notice that it is back. */
const OUTAGE_TIMEOUT_MS = 250;
const NOT_FOUND: SlotRenewal = { decision: 'ended', found: undefined };

/** PostgreSQL did not answer in time: the caller has to decide by what this node remembers. */
export class DatabaseUnavailable extends Error {}

/**
 * Renews slots in PostgreSQL, many in one statement; knows nothing of leases. Edge nodes and heartbeats renew every
 * stream each half minute, so this is the busiest path of the folder.
 */
@Injectable()
export class SlotRenewalService {
  private readonly batches = new Batcher<RenewalRequest, SlotRenewal>({
    runBatch: (requests) => this.renewAll(requests),
    size: 500,
    concurrency: 2,
    capacity: 20_000,
  });

  private readonly timeout = new OutageAwareTimeout(OUTAGE_TIMEOUT_MS);

  constructor(
    private readonly store: StreamStore,
    private readonly memberships: MembershipService,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * For an edge node. Throws DatabaseUnavailable when PostgreSQL does not answer within `timeoutMs`, or too many
   * renewals wait.
   */
  async renew(streamId: string, timeoutMs: number): Promise<SlotRenewal> {
    try {
      const renewal = await withTimeout(this.timeout.timeoutMs(timeoutMs), this.renewOrRetake(streamId));
      this.timeout.recordSuccess();
      return renewal;
    } catch (error) {
      if (!isOutage(error) && !(error instanceof TimeoutError) && !(error instanceof QueueFull)) throw error;
      this.timeout.recordOutage();
      throw new DatabaseUnavailable('PostgreSQL is unavailable', { cause: error });
    }
  }

  /** For a device's heartbeat, which shows that the stream runs. Nobody waits for the outcome: the next heartbeat tries again. */
  renewByHeartbeat(userId: string, streamId: string): void {
    if (STREAM_ID.test(streamId)) this.batches.addAndForget({ streamId, userId });
  }

  /** Returns which of these streams must not go on: unknown ones, ended ones, and those whose users may not stream any more. */
  async findStopped(streamIds: readonly string[]): Promise<string[]> {
    const found = await this.read(streamIds);
    return streamIds.filter((streamId) => {
      const decision = found.get(streamId)?.decision;
      return decision !== 'renew' && decision !== 'retake';
    });
  }

  /** The user's streams that hold a slot, the oldest first. */
  running(userId: string): Promise<RunningStream[]> {
    return this.store.running(userId);
  }

  private async renewOrRetake(streamId: string): Promise<SlotRenewal> {
    const renewal = await this.batches.add({ streamId });
    const userId = renewal.found?.stream.userId;
    return renewal.decision === 'retake' && userId ? this.retake(streamId, userId) : renewal;
  }

  private async renewAll(requests: RenewalRequest[]): Promise<SlotRenewal[]> {
    const found = await this.read([...new Set(requests.map(({ streamId }) => streamId))]);
    const allowed = requests.filter((request) => isOwn(request, found.get(request.streamId)?.found));
    const holding = [...new Set(allowed.map(({ streamId }) => streamId))].filter(
      (streamId) => found.get(streamId)?.decision === 'renew',
    );
    const renewed = await this.renewHeld(holding);
    return requests.map(({ streamId }) => {
      const renewal = found.get(streamId) ?? NOT_FOUND;
      // The slot was lost between the two statements: a retake, which holds the user's lock, finds out why.
      const lost = renewal.decision === 'renew' && !renewed.has(streamId);
      return lost ? { ...renewal, decision: 'retake' } : renewal;
    });
  }

  private async renewHeld(streamIds: readonly string[]): Promise<Set<string>> {
    return streamIds.length === 0 ? new Set() : this.store.renew(streamIds, this.config.LEASE_SECONDS);
  }

  private async read(streamIds: readonly string[]): Promise<Map<string, SlotRenewal>> {
    const rows = await this.store.read(streamIds);
    return new Map(
      rows.map((found) => [
        found.stream.streamId,
        { found, decision: decideRenewal(found.stream, found.entitlement.capabilities) },
      ]),
    );
  }

  /** A stream whose slot ran out takes one again, if one is free. */
  private retake(streamId: string, userId: string): Promise<SlotRenewal> {
    return this.database.transaction('critical', async (tx) => {
      await this.memberships.lock(tx, userId);
      await this.store.lapse(tx, userId);
      const [found] = await this.store.read([streamId], tx);
      if (!found) return NOT_FOUND;
      const decision = decideRenewal(found.stream, found.entitlement.capabilities);
      if (decision !== 'renew' && decision !== 'retake') return { decision, found };
      if (decision === 'retake') await this.store.retake(tx, streamId, this.config.LEASE_SECONDS);
      return { decision: 'renew', found };
    });
  }
}

const isOwn = ({ userId }: RenewalRequest, found: StreamWithEntitlement | undefined): boolean =>
  userId === undefined || userId === found?.stream.userId;
