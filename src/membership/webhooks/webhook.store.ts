import { Injectable } from '@nestjs/common';
import { Database, type Statement, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { VerifiedWebhook } from '../processors/processor.js';
import { failingWebhooks, usualWebhookSilence, webhookSilence } from '../membership.fragments.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { UpdateResult } from '../subscriptions/update-rules.js';
import type { WebhookId } from './webhook.js';
import type { WebhookStatus } from './webhooks.schema.js';

/** A webhook as it is stored. */
export interface StoredWebhook {
  readonly processor: string;
  readonly eventId: string;
  readonly type: string;
  readonly status: WebhookStatus;
  readonly payload: unknown;
}

/** What to save about a webhook that was applied, or has to wait. */
export type WebhookSettlement = Pick<UpdateResult, 'userId' | 'reason' | 'waitingFor'> & {
  readonly status: WebhookStatus;
};

const COLUMNS = `processor, event_id AS "eventId", type, status, payload`;
const INSERT = named(
  'webhook-insert',
  `INSERT INTO webhook (processor, event_id, type, status, payload, created_at, subscription_id)
   VALUES ($1, $2, $3, 'stored', $4, $5, $6)
   ON CONFLICT (processor, event_id) DO NOTHING RETURNING 1`,
);
const GET = named('webhook-get', `SELECT ${COLUMNS} FROM webhook WHERE processor = $1 AND event_id = $2`);
const LIST = named(
  'webhook-list',
  `SELECT ${COLUMNS} FROM unnest($1::text[], $2::text[]) AS wanted (processor, event_id) JOIN webhook USING (processor, event_id)`,
);
const LOCK = named(
  'webhook-lock',
  `SELECT ${COLUMNS} FROM webhook WHERE processor = $1 AND event_id = $2 FOR UPDATE`,
);
const SETTLE = named(
  'webhook-settle',
  `UPDATE webhook SET status = $3, user_id = coalesce($4, user_id), reason = $5, waiting_for = $6, attempts = attempts + 1, settled_at = now()
   WHERE processor = $1 AND event_id = $2`,
);
const LISTED = `processor, event_id AS "eventId", type, status, reason, waiting_for AS "waitingFor", user_id AS "userId", attempts,
     iso(created_at) AS "createdAt", iso(received_at) AS "receivedAt"`;
const LIST_NEWEST = named(
  'webhook-list-newest',
  `SELECT ${LISTED} FROM webhook
   WHERE status = $1 AND received_at <= coalesce($2::timestamptz, 'infinity')
     AND ($2::timestamptz IS NULL OR (received_at, processor, event_id) < ($2::timestamptz, $3, $4))
   ORDER BY received_at DESC, processor DESC, event_id DESC LIMIT $5`,
);
const DESCRIBE = named(
  'webhook-describe',
  `SELECT ${LISTED}, subscription_id AS "subscriptionId", iso(settled_at) AS "settledAt",
     CASE WHEN status IN ('stored', 'failed') THEN iso(next_attempt_at) END AS "nextAttemptAt", payload
   FROM webhook WHERE processor = $1 AND event_id = $2`,
);
const SILENCE = named('webhook-silence', webhookSilence('$1::text[]'));
const USUAL_SILENCE = named('webhook-usual-silence', usualWebhookSilence('$1::text[]'));
const FAILING = named('webhook-failing', failingWebhooks('$1::text[]'));

/** A webhook as operators see it, without its body. Times are ISO 8601. */
export interface ListedWebhook extends WebhookId {
  readonly type: string;
  readonly status: WebhookStatus;
  readonly reason: string | null;
  readonly waitingFor: readonly string[];
  readonly userId: string | null;
  readonly attempts: number;
  /** By the processor's clock. */
  readonly createdAt: string;
  readonly receivedAt: string;
}

/** The same with its body as it came; null when it has been removed since. */
export interface DescribedWebhook extends ListedWebhook {
  readonly subscriptionId: string | null;
  readonly settledAt: string | null;
  readonly nextAttemptAt: string | null;
  readonly payload: unknown;
}

/** A place in the list of webhooks. */
export type WebhookPlace = readonly [receivedAt: string, processor: string, eventId: string];

/** The table of webhooks: each is stored before the processor gets its 2xx, and settled with what became of it. */
@Injectable()
export class WebhookStore {
  constructor(private readonly database: Database) {}

  /** Stores it, with the subscription that its processor is asked for. Returns false when it was stored before. */
  async insert(
    processor: string,
    { eventId, type, payload, createdAt }: VerifiedWebhook,
    subscriptionId: string | undefined,
  ): Promise<boolean> {
    const values = [processor, eventId, type, payload, createdAt, subscriptionId ?? null];
    return (await this.database.run('critical', INSERT, values)).length === 1;
  }

  /** Reads without a lock: another node may settle the webhook at any time. */
  async get(lane: DurableTier, { processor, eventId }: WebhookId): Promise<StoredWebhook | undefined> {
    return (await this.database.run<StoredWebhook>(lane, GET, [processor, eventId]))[0];
  }

  /** The same for many, in no particular order. */
  list(lane: DurableTier, webhooks: readonly WebhookId[]): Promise<StoredWebhook[]> {
    const processors = webhooks.map(({ processor }) => processor);
    const eventIds = webhooks.map(({ eventId }) => eventId);
    return this.database.run(lane, LIST, [processors, eventIds]);
  }

  /** Reads the webhook and holds its row lock until the transaction ends. */
  async lock(tx: Transaction, { processor, eventId }: WebhookId): Promise<StoredWebhook | undefined> {
    return (await tx.run<StoredWebhook>(LOCK, [processor, eventId]))[0];
  }

  /** Saves what became of the webhook, and counts the attempt. */
  async settle(
    tx: Transaction,
    { processor, eventId }: WebhookId,
    settlement: WebhookSettlement,
  ): Promise<void> {
    const { status, userId, reason, waitingFor } = settlement;
    await tx.run(SETTLE, [processor, eventId, status, userId ?? null, reason ?? null, waitingFor ?? []]);
  }

  /** By processor: seconds since its last webhook; nothing for one that never sent any. */
  silentSeconds(processors: readonly string[]): Promise<SecondsByProcessor> {
    return this.readSeconds(SILENCE, processors);
  }

  /** By processor: seconds of the longest silence between two webhooks in the last 24 hours, to five minutes. */
  usualSilenceSeconds(processors: readonly string[]): Promise<SecondsByProcessor> {
    return this.readSeconds(USUAL_SILENCE, processors);
  }

  /** By processor: seconds since the oldest of its webhooks came that could not be applied so far. */
  failingSeconds(processors: readonly string[]): Promise<SecondsByProcessor> {
    return this.readSeconds(FAILING, processors);
  }

  /** For operators: the newest first, of those behind that place. */
  listNewest(
    status: WebhookStatus,
    after: WebhookPlace | undefined,
    limit: number,
  ): Promise<ListedWebhook[]> {
    const [receivedAt = null, processor = null, eventId = null] = after ?? [];
    return this.database.run('important', LIST_NEWEST, [status, receivedAt, processor, eventId, limit]);
  }

  /** For operators: undefined when it is not stored. */
  async describe({ processor, eventId }: WebhookId): Promise<DescribedWebhook | undefined> {
    return (await this.database.run<DescribedWebhook>('important', DESCRIBE, [processor, eventId]))[0];
  }

  private async readSeconds(
    statement: Statement,
    processors: readonly string[],
  ): Promise<SecondsByProcessor> {
    type Row = { readonly processor: string; readonly seconds: number };
    const rows = await this.database.run<Row>('routine', statement, [processors]);
    return new Map(rows.map(({ processor, seconds }) => [processor, seconds]));
  }
}

type SecondsByProcessor = ReadonlyMap<string, number>;
