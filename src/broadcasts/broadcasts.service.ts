import { Injectable } from '@nestjs/common';
import type { AuditContext } from '../platform/audit/audit-entry.js';
import { AuditService } from '../platform/audit/audit.service.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { pageOf } from '../platform/http/cursor.schema.js';
import { Problem } from '../platform/http/problem.js';
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

  /** Returns one with its counts. Throws Problem not_found. */
  async get(id: string) {
    return toShown(found(await this.store.get(id)));
  }

  /** Has a broadcast be sent to nobody any more, and tells the audit. Throws Problem not_found. */
  withdraw(id: string, by: AuditContext): Promise<void> {
    return this.store.change(() =>
      this.audit.transaction('important', by, async (tx) => {
        await this.store.takeNumber(tx);
        const { state, withdrawnAt } = found(await this.store.get(id, tx));
        await this.store.withdraw(tx, id);
        tx.afterCommit(() => this.bus.publish(broadcastsChanged, undefined));
        const act = {
          action: 'broadcast.withdraw',
          target: { kind: 'broadcast', id },
          before: { state },
          after: { state: 'withdrawn' },
          result: withdrawnAt === null ? 'done' : 'unchanged',
        } as const;
        return { outcome: undefined, acts: [act] };
      }),
    );
  }
}

function found(broadcast: StoredBroadcast | undefined): StoredBroadcast {
  if (!broadcast) throw new Problem('not_found', 'There is no such broadcast.');
  return broadcast;
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
