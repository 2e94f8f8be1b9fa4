import { Inject, Injectable } from '@nestjs/common';
import { MembershipService } from '../../membership/membership.service.js';
import { Batcher, QueueFull } from '../../platform/scheduling/batcher.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { growingCache } from '../../platform/growing-cache.js';
import { Database } from '../../platform/postgres/database.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { TimeoutError, withTimeout } from '../../platform/scheduling/timeout.js';
import { STREAM_ID } from '../../mailbox/events/event-data.schema.js';
import { type RenewalDecision, type RunningStream, decideRenewal } from '../stream.js';
import { type StreamWithEntitlement, StreamStore } from '../stream.store.js';
import { isSlotDue } from './lease.js';

/** A stream whose slot is to be renewed; with a `userId` only if it is this user's. */
interface RenewalRequest {
  readonly streamId: string;
  readonly userId?: string;
}

/** Whether the slot was renewed or why not. `found` is undefined when there is no such stream. */
export interface SlotRenewal {
  readonly decision: RenewalDecision;
  readonly found: StreamWithEntitlement | undefined;
  /** Until when the slot is held for certain, monotonic, in ms; only with the decision `renew`. */
  readonly heldUntil?: number;
}

/** Streams whose slots this node remembers, at some 100 bytes each. */
const MAX_REMEMBERED = 100_000;
const NOT_FOUND: SlotRenewal = { decision: 'ended', found: undefined };

/** PostgreSQL did not answer in time: the caller has to decide by what this node remembers. */
export class DatabaseUnavailable extends Error {}

/**
 * Renews slots in PostgreSQL, many in one statement; knows nothing of leases. Edge nodes and heartbeats ask for every stream each half
 * minute, so this is the busiest path of the folder: a slot that has more than half of its life left is not written (lease.ts), and all
 * of it has a lane of its own.
 */
@Injectable()
export class SlotRenewalService {
  private readonly batches = new Batcher<RenewalRequest, SlotRenewal>({
    runBatch: (requests) => this.renewAll(requests),
    size: 500,
    concurrency: 2,
    capacity: 20_000,
    isolate: (error) => !isOutage(error),
  });
  /** After an outage every slot may have run out. A transaction for each must leave connections to the renewals that need none. */
  private readonly retakes = new Batcher<StreamWithEntitlement, SlotRenewal>({
    runBatch: ([lapsed]) => Promise.all(lapsed ? [this.retake(lapsed)] : []),
    size: 1,
    concurrency: 2,
    capacity: 20_000,
  });
  /** Until when slots are held, as this node wrote or read it: a heartbeat of a stream that is not due costs no statement. */
  private readonly held = growingCache<number>(MAX_REMEMBERED);

  constructor(
    private readonly store: StreamStore,
    private readonly memberships: MembershipService,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * For an edge node. Throws DatabaseUnavailable when PostgreSQL does not answer within `timeoutMs`, or too many renewals wait. An answer that
   * comes later is given to `onLate`.
   */
  async renew(
    streamId: string,
    timeoutMs: number,
    onLate: (renewal: SlotRenewal) => void,
  ): Promise<SlotRenewal> {
    const renewing = this.renewOrRetake(streamId);
    try {
      return await withTimeout(timeoutMs, renewing);
    } catch (error) {
      if (!isOutage(error) && !(error instanceof QueueFull)) throw error;
      if (error instanceof TimeoutError) renewing.then(onLate, () => undefined);
      throw new DatabaseUnavailable('PostgreSQL is unavailable', { cause: error });
    }
  }

  /** For a device's heartbeat, which shows that the stream runs. Nobody waits for the outcome: the next heartbeat tries again. */
  renewByHeartbeat(userId: string, streamId: string): void {
    if (!STREAM_ID.test(streamId)) return;
    const heldUntil = this.held.get(streamId);
    if (heldUntil !== undefined && !isSlotDue(heldUntil - monotonicNow(), this.config.LEASE_SECONDS)) return;
    this.batches.addAndForget({ streamId, userId });
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
    return renewal.decision === 'retake' && renewal.found ? this.retakes.add(renewal.found) : renewal;
  }

  private async renewAll(requests: readonly RenewalRequest[]): Promise<SlotRenewal[]> {
    const renewals = await this.read([...new Set(requests.map(({ streamId }) => streamId))]);
    const own = requests.filter((request) => isOwn(request, renewals.get(request.streamId)));
    const due = [...new Set(own.map(({ streamId }) => streamId))].filter((streamId) =>
      this.isDue(renewals.get(streamId)),
    );
    await this.renewDue(due, renewals);
    for (const [streamId, { heldUntil }] of renewals)
      if (heldUntil !== undefined) this.held.set(streamId, heldUntil);
    return requests.map(({ streamId }) => renewals.get(streamId) ?? NOT_FOUND);
  }

  private isDue(renewal: SlotRenewal | undefined): boolean {
    const heldUntil = renewal?.heldUntil;
    return heldUntil !== undefined && isSlotDue(heldUntil - monotonicNow(), this.config.LEASE_SECONDS);
  }

  /** Writes these slots, and what became of them into `renewals`. */
  private async renewDue(streamIds: readonly string[], renewals: Map<string, SlotRenewal>): Promise<void> {
    if (streamIds.length === 0) return;
    const sentAt = monotonicNow();
    const renewed = await this.store.renew(streamIds, this.config.LEASE_SECONDS);
    for (const streamId of streamIds) {
      const found = renewals.get(streamId)?.found;
      // A slot that was lost between the two statements: a retake, which holds the user's lock, finds out why.
      renewals.set(
        streamId,
        renewed.has(streamId)
          ? { found, decision: 'renew', heldUntil: sentAt + this.config.LEASE_SECONDS * 1_000 }
          : { found, decision: 'retake' },
      );
    }
  }

  /** The slots' ends count from before the statement is sent, so that none is taken to be later than PostgreSQL has it. */
  private async read(streamIds: readonly string[]): Promise<Map<string, SlotRenewal>> {
    const sentAt = monotonicNow();
    const rows = await this.store.read(streamIds);
    return new Map(
      rows.map((found) => {
        const decision = decideRenewal(found.stream, found.entitlement.capabilities);
        const renewal = { found, decision };
        const heldUntil = sentAt + found.slotSeconds * 1_000;
        return [found.stream.streamId, decision === 'renew' ? { ...renewal, heldUntil } : renewal];
      }),
    );
  }

  /** A stream whose slot ran out takes one again, if one is free. */
  private retake({ stream: { streamId, userId } }: StreamWithEntitlement): Promise<SlotRenewal> {
    const sentAt = monotonicNow();
    return this.database.transaction('renewals', async (tx) => {
      await this.memberships.lock(tx, userId);
      await this.store.lapse(tx, userId);
      const [found] = await this.store.read([streamId], tx);
      if (!found) return NOT_FOUND;
      const decision = decideRenewal(found.stream, found.entitlement.capabilities);
      if (decision !== 'renew' && decision !== 'retake') return { decision, found };
      if (decision === 'retake') await this.store.retake(tx, streamId, this.config.LEASE_SECONDS);
      const seconds = decision === 'retake' ? this.config.LEASE_SECONDS : found.slotSeconds;
      return { decision: 'renew', found, heldUntil: sentAt + seconds * 1_000 };
    });
  }
}

const isOwn = ({ userId }: RenewalRequest, renewal: SlotRenewal | undefined): boolean =>
  userId === undefined || userId === renewal?.found?.stream.userId;
