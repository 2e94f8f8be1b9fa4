import { Injectable } from '@nestjs/common';
import type { AuditContext, AuditedAct } from '../platform/audit/audit-entry.js';
import { AuditService } from '../platform/audit/audit.service.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { pageOf } from '../platform/http/cursor.schema.js';
import { Problem } from '../platform/http/problem.js';
import type { Transaction } from '../platform/postgres/database.js';
import { broadcastsChanged } from './broadcast-log.worker.js';
import { BroadcastStore, type StoredBroadcast } from './broadcast.store.js';
import type { BroadcastsQuery } from './broadcasts.schema.js';

/** Says what became of broadcasts, and withdraws them. */
@Injectable()
export class BroadcastsService {
  constructor(
    private readonly store: BroadcastStore,
    private readonly audit: AuditService,
    private readonly bus: EventBusService,
  ) {}

  /** Returns a page of them, the newest first. */
  async list({ before, limit }: BroadcastsQuery) {
    const rows = await this.store.list(before?.[0], limit + 1);
    const { page, ...next } = pageOf(rows, limit, ({ number }) => [number]);
    return { broadcasts: page.map(toShown), ...next };
  }

  /** Returns one with its counts; undefined if there is none. */
  async find(id: string) {
    const found = await this.store.get(id);
    return found && toShown(found);
  }

  /** The same. Throws Problem not_found. */
  async get(id: string) {
    return (await this.find(id)) ?? missing();
  }

  /** Has a broadcast be sent to nobody any more, and tells the audit. Throws Problem not_found. */
  withdraw(id: string, by: AuditContext): Promise<void> {
    return this.change(() =>
      this.audit.transaction('important', by, async (tx) => {
        const act = (await this.withdrawWithin(tx, id)) ?? missing();
        return { outcome: undefined, acts: [act] };
      }),
    );
  }

  /** Runs somebody's transaction that publishes or withdraws: one at a time on each node. Throws QueueFull when a hundred wait. */
  change<T>(transaction: () => Promise<T>): Promise<T> {
    return this.store.change(transaction);
  }

  /** Withdraws a broadcast in somebody's transaction. Returns what is to be told of that; undefined if there is no such broadcast. */
  async withdrawWithin(tx: Transaction, id: string): Promise<AuditedAct | undefined> {
    await this.store.takeNumber(tx);
    const before = await this.store.get(id, tx);
    if (!before) return undefined;
    await this.store.withdraw(tx, id);
    tx.afterCommit(() => this.bus.publish(broadcastsChanged, undefined));
    return {
      action: 'broadcast.withdraw',
      target: { kind: 'broadcast', id },
      before: { state: before.state },
      after: { state: 'withdrawn' },
      result: before.withdrawnAt === null ? 'done' : 'unchanged',
    };
  }
}

function missing(): never {
  throw new Problem('not_found', 'There is no such broadcast.');
}

function toShown({ sample, sent, received, ...fields }: StoredBroadcast) {
  return {
    ...fields,
    receipts: sample === 1 ? 'all' : 'sample',
    counts: {
      sampled: { of: sample, sent, received },
      estimated: { sent: sent * sample, received: received * sample },
    },
  };
}
