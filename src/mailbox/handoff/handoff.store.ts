import { Injectable } from '@nestjs/common';
import { type StoredEntry, entryToEnvelope } from '../events/event.js';
import { type OutgoingEvent, EncodedEvent } from '../events/outgoing-event.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import type { DurableTier } from '../../platform/tiers.js';
import { named, statement } from '../../platform/postgres/statement.js';

const CLAIM = statement('claim-handoffs.sql', import.meta.url);
const SETTLE = named('settle', 'DELETE FROM handoff WHERE id = ANY ($1::uuid[])');

/** What was committed and is not yet known to be handed on. */
@Injectable()
export class HandoffStore {
  constructor(private readonly database: Database) {}

  async settle(ids: readonly string[], lane: DurableTier): Promise<void> {
    await this.database.run(lane, SETTLE, [ids]);
  }

  /** Takes overdue handoffs within `tx`; they are due again should it not commit. */
  async claim(tx: Transaction, olderThanMs: number, atMost: number): Promise<OutgoingEvent[]> {
    const rows = await tx.run<{ userId: string; epoch: string; entry: StoredEntry }>(CLAIM, [
      olderThanMs,
      atMost,
    ]);
    return rows.map(({ userId, epoch, entry }) => ({
      userId,
      event: EncodedEvent.of(entryToEnvelope(entry, epoch)),
    }));
  }
}
