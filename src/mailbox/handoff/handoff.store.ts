import { Injectable } from '@nestjs/common';
import { Database, type Statement, type Transaction } from '../../platform/postgres/database.js';
import { forAnyValue, named, statement } from '../../platform/postgres/statement.js';
import type { DurableTier } from '../../platform/tiers.js';
import { entryToEnvelope, type StoredEntry } from '../events/event.js';
import { EncodedEvent, type OutgoingEvent } from '../events/outgoing-event.js';
import { MailboxFragments } from '../mailbox.fragments.js';

/** A consumer of committed events. Each gets a row of `handoff`, written in the commit (append-events.sql) and removed once it has taken over. */
export type HandoffConsumer = 'delivery' | 'push';

/** Handoffs of one consumer and tier that were not settled within `olderThanMs`. */
export interface DueHandoffs {
  readonly consumer: HandoffConsumer;
  readonly tier: DurableTier;
  readonly olderThanMs: number;
}

/** Which handoffs to take over. */
export interface HandoffClaim extends DueHandoffs {
  /** Handoffs in one claim. */
  readonly limit: number;
  /** Events in one claim; one handoff with more is claimed alone. */
  readonly maxEvents: number;
}

/** What was taken over. `isDrained`: nothing was left that is due, but for what other nodes are claiming. */
export interface ClaimedHandoffs {
  readonly events: readonly OutgoingEvent[];
  readonly isDrained: boolean;
}

const SETTLE = named(
  'settle-handoffs',
  `DELETE FROM handoff WHERE id = ANY (${forAnyValue('$1', 'uuid[]')}) AND consumer = $2`,
);

const HAS_DUE = named(
  'has-due-handoffs',
  `SELECT EXISTS (
     SELECT FROM handoff WHERE consumer = $1 AND tier = $2 AND created_at < now() - $3 * interval '1 millisecond'
   ) AS "hasDue"`,
);

/** Commits that a consumer has not taken over yet: the mailbox's transactional outbox. */
@Injectable()
export class HandoffStore {
  private readonly claimStatement: Statement;

  constructor(
    private readonly database: Database,
    fragments: MailboxFragments,
  ) {
    this.claimStatement = statement('claim-handoffs.sql', import.meta.url, fragments.forOwnStatements);
  }

  /** Records that the consumer has taken over these commits. */
  async settle(consumer: HandoffConsumer, ids: readonly string[], lane: DurableTier): Promise<void> {
    await this.database.run(lane, SETTLE, [ids, consumer]);
  }

  /** Returns whether there is anything to claim: one statement, where a claim takes a transaction. */
  async hasDue({ consumer, tier, olderThanMs }: DueHandoffs): Promise<boolean> {
    const values = [consumer, tier, olderThanMs];
    const [row] = await this.database.run<{ hasDue: boolean }>(tier, HAS_DUE, values);
    return row?.hasDue ?? false;
  }

  /**
   * Takes over at most `limit` handoffs of a tier that are older than `olderThanMs`, the oldest first, within `tx`; they are due again if
   * it rolls back. Returns their events, without those that were superseded or have expired since.
   */
  async claim(
    tx: Transaction,
    { consumer, tier, olderThanMs, limit, maxEvents }: HandoffClaim,
  ): Promise<ClaimedHandoffs> {
    type Row = { isDrained: boolean; events: { userId: string; epoch: string; entry: StoredEntry }[] };
    const values = [consumer, tier, olderThanMs, limit, maxEvents];
    const [row] = await tx.run<Row>(this.claimStatement, values);
    if (!row) throw new Error('the query returns one row');
    const events = row.events.map(({ userId, epoch, entry }) => ({
      userId,
      event: EncodedEvent.of(entryToEnvelope(entry, epoch)),
    }));
    return { events, isDrained: row.isDrained };
  }
}
