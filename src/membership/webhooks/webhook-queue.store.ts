import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { UpdateResult } from '../subscriptions/update-rules.js';
import type { ClaimedWebhook, WebhookId } from './webhook.js';
import type { WebhookFailure } from './webhook-failure.js';

/** Webhooks that are woken at once; WebhookWakeupWorker wakes the rest. */
const MAX_WOKEN = 500;

const CLAIMED = `processor, event_id AS "eventId", subscription_id AS "subscriptionId", created_at AS "createdAt"`;
/** By ctid: the rows are locked and cannot move, and need not be looked for a second time. */
const CLAIM = named(
  'webhook-claim',
  `WITH due AS MATERIALIZED (
     SELECT ctid AS row FROM webhook
     WHERE processor = $1 AND status IN ('stored', 'failed') AND next_attempt_at <= now()
     ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
   )
   UPDATE webhook SET next_attempt_at = now() + $3 * interval '1 second'
   WHERE ctid = ANY (ARRAY(SELECT due.row FROM due)) RETURNING ${CLAIMED}`,
);
/** Never after an attempt that was slower than another one's success. */
const FAIL = named(
  'webhook-fail',
  `UPDATE webhook SET status = CASE WHEN attempts + 1 >= $5 THEN 'ignored' ELSE 'failed' END, reason = $3, attempts = attempts + 1,
     settled_at = CASE WHEN attempts + 1 >= $5 THEN now() END,
     next_attempt_at = now() + least($4, power(2, least(attempts + 1, 20))) * (0.75 + random() / 2) * interval '1 second'
   WHERE processor = $1 AND event_id = $2 AND status IN ('stored', 'failed') RETURNING status`,
);
const POSTPONE = named(
  'webhook-postpone',
  `UPDATE webhook SET reason = $3, next_attempt_at = now() + $4 * (0.75 + random() / 2) * interval '1 second'
   WHERE processor = $1 AND event_id = $2 AND status IN ('stored', 'failed')`,
);
const SETTLE_COVERED = named(
  'webhook-settle-covered',
  `UPDATE webhook SET status = $4, reason = $5, user_id = coalesce($6, user_id), waiting_for = $7, settled_at = now()
   WHERE (processor, event_id) IN (
     SELECT processor, event_id FROM webhook
     WHERE processor = $1 AND subscription_id = $2 AND status IN ('stored', 'failed') AND received_at < $3 FOR UPDATE SKIP LOCKED
   )`,
);
/** Two lock what they need in the same order, so that neither waits for the other. */
const needsInOrder = `(SELECT need FROM unnest($1::text[]) AS n (need) ORDER BY need COLLATE "C") AS needs`;
const LOCK_NEEDS = named(
  'webhook-needs-lock',
  `SELECT pg_advisory_xact_lock(hashtextextended('webhook need ' || need, 0)) FROM ${needsInOrder}`,
);
const LOCK_NEEDS_SHARED = named(
  'webhook-needs-lock-shared',
  `SELECT pg_advisory_xact_lock_shared(hashtextextended('webhook need ' || need, 0)) FROM ${needsInOrder}`,
);
const WAKE = named(
  'webhook-wake',
  `UPDATE webhook SET status = 'stored', waiting_for = '{}', next_attempt_at = now() + interval '5 seconds'
   WHERE (processor, event_id) IN (
     SELECT processor, event_id FROM webhook WHERE status = 'waiting' AND waiting_for && $1 LIMIT $2 FOR UPDATE SKIP LOCKED
   ) RETURNING ${CLAIMED}`,
);
/** What was ignored may be understood by now, or known to the processor; what was applied would change nothing. */
const REOPEN = named(
  'webhook-reopen',
  `UPDATE webhook SET status = 'stored', waiting_for = '{}', settled_at = NULL, next_attempt_at = now() + interval '5 seconds'
   WHERE processor = $1 AND event_id = $2 AND status IN ('stored', 'failed', 'waiting', 'ignored') AND payload IS NOT NULL
   RETURNING ${CLAIMED}`,
);
const ADD_WAKEUPS = named(
  'webhook-wakeup-add',
  `INSERT INTO webhook_wakeup (need) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`,
);
const TAKE_WAKEUP = named(
  'webhook-wakeup-take',
  `SELECT need FROM webhook_wakeup ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
);
const HAS_WAKEUPS = named('webhook-wakeup-look', 'SELECT 1 FROM webhook_wakeup LIMIT 1');
const REMOVE_WAKEUP = named('webhook-wakeup-remove', `DELETE FROM webhook_wakeup WHERE need = $1`);
/**
 * The webhooks that are still open: which are due, which failed, which wait for something. Due ones are leased, so that no two workers
 * have the same; whoever creates what others wait for wakes them.
 */
@Injectable()
export class WebhookQueueStore {
  constructor(private readonly database: Database) {}

  /** Leases webhooks of that processor that are due to the caller, the longest due ones first. They come in no particular order. */
  claim(processor: string, limit: number, leaseSeconds: number): Promise<ClaimedWebhook[]> {
    return this.database.run('important', CLAIM, [processor, limit, leaseSeconds]);
  }

  /** Counts the attempt, and makes the next one due after a pause. Returns what became of the webhook; undefined if it is settled. */
  async fail({ processor, eventId }: WebhookId, failure: WebhookFailure): Promise<string | undefined> {
    const { reason, maxPauseSeconds, maxAttempts } = failure;
    const values = [processor, eventId, reason, maxPauseSeconds, maxAttempts ?? null];
    return (await this.database.run<{ status: string }>('important', FAIL, values))[0]?.status;
  }

  /** Makes the next attempt due after about so many seconds, without counting one. */
  async postpone({ processor, eventId }: WebhookId, reason: string, seconds: number): Promise<void> {
    await this.database.run('important', POSTPONE, [processor, eventId, reason, seconds]);
  }

  /** Settles the open webhooks of that subscription which were received before its lookup began: it had their news. */
  async settleCovered(
    tx: Transaction,
    lookup: { processor: string; subscriptionId: string; fetchedFrom: Date },
    { status, userId, reason, waitingFor }: UpdateResult,
  ): Promise<void> {
    const isCovered = status === 'applied';
    await tx.run(SETTLE_COVERED, [
      lookup.processor,
      lookup.subscriptionId,
      lookup.fetchedFrom,
      isCovered ? 'stale' : status,
      isCovered ? 'same_lookup' : (reason ?? null),
      userId ?? null,
      waitingFor ?? [],
    ]);
  }

  /**
   * To be called by a transaction that is about to let a webhook wait for these. Until it ends nobody wakes what waits for them: either
   * what it needs is there when it looks again now, or whoever creates it finds the webhook waiting.
   */
  async lockNeeds(tx: Transaction, needs: readonly string[]): Promise<void> {
    await tx.run(LOCK_NEEDS_SHARED, [needs]);
  }

  /** Wakes what waits for any of these, which the caller has just created. Returns what the caller should apply after the commit. */
  async wake(tx: Transaction, needs: readonly string[]): Promise<ClaimedWebhook[]> {
    await tx.run(LOCK_NEEDS, [needs]);
    const woken = await tx.run<ClaimedWebhook>(WAKE, [needs, MAX_WOKEN]);
    if (woken.length === MAX_WOKEN) await tx.run(ADD_WAKEUPS, [needs]);
    return woken;
  }

  /** Makes the webhook open again, and leases it to the caller; undefined when it was applied, is stale, or its body is gone. */
  async reopen(tx: Transaction, { processor, eventId }: WebhookId): Promise<ClaimedWebhook | undefined> {
    return (await tx.run<ClaimedWebhook>(REOPEN, [processor, eventId]))[0];
  }

  /** Whether one call could not wake all. */
  async hasWakeups(): Promise<boolean> {
    return (await this.database.run('routine', HAS_WAKEUPS, [])).length > 0;
  }

  /** Wakes more of what one call could not wake. Returns false when nothing is left. */
  wakeMore(): Promise<boolean> {
    return this.database.transaction('routine', async (tx) => {
      const [wakeup] = await tx.run<{ need: string }>(TAKE_WAKEUP, []);
      if (!wakeup) return false;
      const woken = await tx.run(WAKE, [[wakeup.need], MAX_WOKEN]);
      if (woken.length < MAX_WOKEN) await tx.run(REMOVE_WAKEUP, [wakeup.need]);
      return true;
    });
  }
}
