import { Inject, Injectable } from '@nestjs/common';
import { MembershipService } from '../../membership/membership.service.js';
import { Batcher, QueueFull } from '../../platform/scheduling/batcher.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Database } from '../../platform/postgres/database.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { TimeoutError, withTimeout } from '../../platform/scheduling/timeout.js';
import { STREAM_ID } from '../../mailbox/events/event-data.schema.js';
import { type RenewalDecision, decideRenewal } from '../stream.js';
import { type StreamAndRights, StreamStore } from '../stream.store.js';

/** A stream that wants to go on; by a beat only if it is this user's. */
interface Asking {
  readonly streamId: string;
  readonly userId?: string;
}

/** `found` is undefined when there is no such stream. */
export interface SlotRenewal {
  readonly decision: RenewalDecision;
  readonly found: StreamAndRights | undefined;
}

/** While PostgreSQL is known to be away, a glance must do. */
const GLANCE_MS = 250;
/** How long a question that was not answered makes the next ones short. */
const AWAY_MS = 5_000;
const UNKNOWN: SlotRenewal = { decision: 'ended', found: undefined };

/** PostgreSQL did not answer: what is known of the stream must do. */
export class DatabaseUnavailable extends Error {}

/** Renews slots, many at once. Edge nodes and beats ask for each stream every half minute, so this is the busiest path. */
@Injectable()
export class SlotRenewalService {
  private readonly batches = new Batcher<Asking, SlotRenewal>({
    runBatch: (asking) => this.renewAll(asking),
    size: 500,
    concurrency: 2,
    capacity: 20_000,
  });

  private unansweredAt = 0;

  constructor(
    private readonly store: StreamStore,
    private readonly memberships: MembershipService,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Throws Unanswered when PostgreSQL does not say so in time. */
  async renew(streamId: string, withinMs: number): Promise<SlotRenewal> {
    const patience = Date.now() - this.unansweredAt < AWAY_MS ? GLANCE_MS : withinMs;
    try {
      const renewal = await withTimeout(patience, this.decide(streamId));
      this.unansweredAt = 0;
      return renewal;
    } catch (error) {
      if (!isOutage(error) && !(error instanceof TimeoutError) && !(error instanceof QueueFull)) throw error;
      this.unansweredAt = Date.now();
      throw new DatabaseUnavailable('PostgreSQL is away', { cause: error });
    }
  }

  /** A device's beat says that the stream runs. Nobody waits for it: the next beat asks again. */
  renewByHeartbeat(userId: string, streamId: string): void {
    if (STREAM_ID.test(streamId)) this.batches.addAndForget({ streamId, userId });
  }

  /** Which of these streams must not go on: nobody knows them, they ended, or their users may not stream any more. */
  async findStopped(streamIds: readonly string[]): Promise<string[]> {
    const found = await this.read(streamIds);
    return streamIds.filter((streamId) => {
      const verdict = found.get(streamId)?.decision;
      return verdict !== 'renew' && verdict !== 'retake';
    });
  }

  private async decide(streamId: string): Promise<SlotRenewal> {
    const renewal = await this.batches.add({ streamId });
    const userId = renewal.found?.stream.userId;
    return renewal.decision === 'retake' && userId ? this.retake(streamId, userId) : renewal;
  }

  private async renewAll(asking: Asking[]): Promise<SlotRenewal[]> {
    const found = await this.read([...new Set(asking.map(({ streamId }) => streamId))]);
    const due = asking.filter((one) => isOwn(one, found.get(one.streamId)?.found));
    const holding = [...new Set(due.map(({ streamId }) => streamId))].filter(
      (streamId) => found.get(streamId)?.decision === 'renew',
    );
    const renewed = await this.renewHeld(holding);
    return asking.map(({ streamId }) => {
      const renewal = found.get(streamId) ?? UNKNOWN;
      // Lost between the two looks: the one under the user's lock says why.
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

  /** A stream that was silent too long takes a slot anew, if one is free. */
  private retake(streamId: string, userId: string): Promise<SlotRenewal> {
    return this.database.transaction('critical', async (tx) => {
      await this.memberships.lock(tx, userId);
      await this.store.lapse(tx, userId);
      const [found] = await this.store.read([streamId], tx);
      if (!found) return UNKNOWN;
      const verdict = decideRenewal(found.stream, found.entitlement.capabilities);
      if (verdict !== 'renew' && verdict !== 'retake') return { decision: verdict, found };
      if (verdict === 'retake') await this.store.retake(tx, streamId, this.config.LEASE_SECONDS);
      return { decision: 'renew', found };
    });
  }
}

const isOwn = ({ userId }: Asking, found: StreamAndRights | undefined): boolean =>
  userId === undefined || userId === found?.stream.userId;
