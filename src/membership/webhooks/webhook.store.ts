import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { VerifiedWebhook } from '../processors/processor.js';

/** What became of a webhook. `waiting`: it needs a plan or a link that is not there yet. `stale`: something newer was known. */
export type WebhookStatus = 'stored' | 'applied' | 'stale' | 'ignored' | 'waiting' | 'failed';

export interface StoredWebhook {
  readonly processor: string;
  readonly eventId: string;
  readonly type: string;
  readonly status: WebhookStatus;
  readonly payload: unknown;
}

export interface WebhookSettlement {
  readonly status: WebhookStatus;
  readonly userId?: string | undefined;
  readonly reason?: string | undefined;
  /** `price:…`, `customer:…` or `subscription:…`: each of them would let it be applied. */
  readonly waitingFor?: readonly string[] | undefined;
  /** Something was said that was not known. */
  readonly isChange?: boolean | undefined;
}

const COLUMNS = `processor, event_id AS "eventId", type, status, payload`;
const INSERT = named(
  'webhook-store',
  `INSERT INTO webhook (processor, event_id, type, status, payload, created_at) VALUES ($1, $2, $3, 'stored', $4, $5)
   ON CONFLICT (processor, event_id) DO NOTHING RETURNING 1`,
);
const READ = named('webhook-read', `SELECT ${COLUMNS} FROM webhook WHERE processor = $1 AND event_id = $2`);
const LOCK = named(
  'webhook-lock',
  `SELECT ${COLUMNS} FROM webhook WHERE processor = $1 AND event_id = $2 FOR UPDATE`,
);
const SETTLE = named(
  'webhook-settle',
  `UPDATE webhook SET status = $3, user_id = coalesce($4, user_id), reason = $5, waiting_for = $6, attempts = attempts + 1, settled_at = now()
   WHERE processor = $1 AND event_id = $2`,
);
const WAITING = named(
  'webhook-waiting',
  `SELECT processor, event_id AS "eventId" FROM webhook WHERE waiting_for && $1 ORDER BY created_at LIMIT $2`,
);
const UNFINISHED = named(
  'webhook-unfinished',
  `SELECT processor, event_id AS "eventId" FROM webhook w
   WHERE (status = 'stored' AND received_at < now() - interval '5 seconds')
      OR (status = 'failed' AND attempts < 20 AND settled_at < now() - least(300, power(2, attempts)) * interval '1 second')
      OR (status = 'waiting' AND (
        EXISTS (SELECT FROM plan_price p WHERE 'price:' || p.price_id = ANY (w.waiting_for))
        OR EXISTS (SELECT FROM processor_link l WHERE 'customer:' || l.processor || ':' || l.customer_id = ANY (w.waiting_for))
        OR EXISTS (SELECT FROM subscription s WHERE 'subscription:' || s.subscription_id = ANY (w.waiting_for))))
   ORDER BY created_at LIMIT $1`,
);
const LIST = named(
  'webhook-list',
  `SELECT processor, event_id AS "eventId", type, status, reason, waiting_for AS "waitingFor", user_id AS "userId", attempts,
     iso(created_at) AS "createdAt", iso(received_at) AS "receivedAt"
   FROM webhook WHERE status = $1 ORDER BY received_at DESC LIMIT $2`,
);
const EXPIRE = named(
  'webhook-expire',
  `DELETE FROM webhook WHERE (processor, event_id) IN (
     SELECT processor, event_id FROM webhook
     WHERE settled_at < $1 AND status IN ('applied', 'stale', 'ignored', 'failed') LIMIT $2 FOR UPDATE SKIP LOCKED
   ) RETURNING 1`,
);
/** What is usual is read from 24 hours: as long as the rhythm of a service, and no more than a day's rows. */
const SILENCE = named(
  'webhook-silence',
  `SELECT * FROM (
     SELECT processor,
       extract(epoch FROM now() - (SELECT max(w.received_at) FROM webhook w WHERE w.processor = p.processor))::float8 AS "silentSeconds",
       coalesce((SELECT extract(epoch FROM max(gap)) FROM (
         SELECT w.received_at - lag(w.received_at) OVER (ORDER BY w.received_at) AS gap
         FROM webhook w WHERE w.processor = p.processor AND w.received_at > now() - interval '24 hours'
       ) AS gaps), 0)::float8 AS "usualSeconds"
     FROM unnest($1::text[]) AS p (processor)
   ) AS silence WHERE "silentSeconds" IS NOT NULL`,
);

export interface WebhookSilence {
  readonly processor: string;
  readonly silentSeconds: number;
  readonly usualSeconds: number;
}

export interface WebhookId {
  readonly processor: string;
  readonly eventId: string;
}

/** The inbox: a webhook is stored before it is answered, and marked with what became of it. */
@Injectable()
export class WebhookStore {
  constructor(private readonly database: Database) {}

  /** False when it was stored before. */
  async store(processor: string, webhook: VerifiedWebhook): Promise<boolean> {
    const { eventId, type, payload, createdAt } = webhook;
    return (
      (await this.database.run('critical', INSERT, [processor, eventId, type, payload, createdAt])).length ===
      1
    );
  }

  /** The webhook as it is now; it may be settled by another node at any time. */
  async read({ processor, eventId }: WebhookId): Promise<StoredWebhook | undefined> {
    return (await this.database.run<StoredWebhook>('critical', READ, [processor, eventId]))[0];
  }

  /** The webhook, held by this transaction alone. */
  async lock(tx: Transaction, { processor, eventId }: WebhookId): Promise<StoredWebhook | undefined> {
    return (await tx.run<StoredWebhook>(LOCK, [processor, eventId]))[0];
  }

  async settle(
    tx: Transaction,
    { processor, eventId }: WebhookId,
    settlement: WebhookSettlement,
  ): Promise<void> {
    const { status, userId, reason, waitingFor } = settlement;
    await tx.run(SETTLE, [processor, eventId, status, userId ?? null, reason ?? null, waitingFor ?? []]);
  }

  /** Those that wait for any of these, the processor's oldest first. */
  waitingFor(needs: readonly string[], limit: number): Promise<WebhookId[]> {
    return this.database.run('critical', WAITING, [needs, limit]);
  }

  /**
   * Those whose node died before it applied them, whose application failed (tried again after 2, 4, 8 … 300 s, 20 times),
   * or that wait for what is there by now.
   */
  unfinished(limit: number): Promise<WebhookId[]> {
    return this.database.run('critical', UNFINISHED, [limit]);
  }

  /** Removes what was settled before then. Answers how many. */
  async deleteSettled(before: Date, limit: number): Promise<number> {
    return (await this.database.run('routine', EXPIRE, [before, limit])).length;
  }

  /** For each processor that was ever heard of: the silence now, and the longest between two webhooks within 24 hours. */
  silence(processors: readonly string[]): Promise<WebhookSilence[]> {
    return this.database.run('routine', SILENCE, [processors]);
  }

  list(status: WebhookStatus, limit: number): Promise<Record<string, unknown>[]> {
    return this.database.run('important', LIST, [status, limit]);
  }
}
