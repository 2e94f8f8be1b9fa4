import { Injectable } from '@nestjs/common';
import { pageOf } from '../http/cursor.schema.js';
import { Database, type DatabaseLane, type Transaction } from '../postgres/database.js';
import { type AuditContext, type AuditedAct, placeAt } from './audit-entry.js';
import type { AuditExportQuery, AuditQuery } from './audit.schema.js';
import { type AuditEntry, AuditStore } from './audit.store.js';

/** Entries that an export reads at once: at most some 10 MB, usually a hundredth of that. */
const EXPORT_PAGE = 200;

/** What an act came to, and what the audit tells of it: an entry for each thing that it changed. */
export interface AuditedOutcome<T> {
  readonly outcome: T;
  readonly acts: readonly AuditedAct[];
}

/** Tells who changed what, and why. */
@Injectable()
export class AuditService {
  constructor(
    private readonly store: AuditStore,
    private readonly database: Database,
  ) {}

  /**
   * Runs `act` in one transaction with the entries that tell of it, and returns its outcome: neither is stored without the other. Rolls back
   * and rethrows if it throws.
   */
  transaction<T>(
    lane: DatabaseLane,
    by: AuditContext,
    act: (tx: Transaction) => Promise<AuditedOutcome<T>>,
  ): Promise<T> {
    return this.database.transaction(lane, async (tx) => {
      const { outcome, acts } = await act(tx);
      for (const one of acts) await this.record(tx, by, one);
      return outcome;
    });
  }

  /** Tells of an act in its transaction, which somebody else has begun. */
  record(tx: Transaction, by: AuditContext, act: AuditedAct): Promise<void> {
    return this.store.add(tx, by, act);
  }

  /** Returns a page of entries, the newest first; `next` is the `before` of the next page. */
  async list({ before, limit, ...filter }: AuditQuery): Promise<{ entries: AuditEntry[]; next?: string }> {
    const rows = await this.store.list(filter, before, limit + 1);
    const { page, ...next } = pageOf(rows, limit, ({ at, id }) => [at, id]);
    return { entries: page, ...next };
  }

  /** Returns pages of the entries of that time, the oldest first. Each is read when the one before it has been taken. */
  async *export({ from, to }: AuditExportQuery): AsyncGenerator<AuditEntry[], void> {
    let place = placeAt(from);
    for (let page: AuditEntry[]; (page = await this.store.listAfter(place, to, EXPORT_PAGE)).length > 0;) {
      yield page;
      const last = page.at(-1);
      if (!last || page.length < EXPORT_PAGE) return;
      place = [last.at, last.id];
    }
  }
}
