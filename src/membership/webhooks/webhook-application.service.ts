import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import type { ChangeSource } from '../membership.store.js';
import { SubscriptionUpdateService } from '../subscriptions/subscription-update.service.js';
import type { FetchedUpdate, UpdateResult } from '../subscriptions/update-rules.js';
import { type ClaimedWebhook, groupByCustomer, isSettled, type WebhookId } from './webhook.js';
import { WebhookLookupService } from './webhook-lookup.service.js';
import { WebhookQueueStore } from './webhook-queue.store.js';
import { type StoredWebhook, WebhookStore } from './webhook.store.js';

/** A webhook may wait for its customer, and then for a plan: so often it is looked at again before it waits. */
const MAX_LOOKS = 3;

/** Applies one stored webhook. One that was settled is never applied again, whoever retries it. */
@Injectable()
export class WebhookApplicationService {
  constructor(
    private readonly store: WebhookStore,
    private readonly queue: WebhookQueueStore,
    private readonly lookups: WebhookLookupService,
    private readonly updates: SubscriptionUpdateService,
    private readonly database: Database,
  ) {}

  /**
   * Applies a webhook that was just received, in the lane of what is urgent. Returns undefined when it was settled before. Throws
   * ProcessorUnavailable, SubscriptionUnknown, QueueFull, or an outage.
   */
  async applyReceived(id: WebhookId): Promise<UpdateResult | undefined> {
    const stored = await this.store.get('critical', id);
    if (!stored || isSettled(stored.status)) return undefined;
    const update = await this.lookups.toUpdate(stored);
    return this.database.transaction('critical', (tx) => this.settle(tx, id, update));
  }

  /**
   * The same for a webhook that was left over, in a lane where a flood of them holds up nothing urgent. Its lookup settles the other
   * open webhooks of the subscription as well.
   */
  async applyLeftOver(id: WebhookId): Promise<UpdateResult | undefined> {
    const stored = await this.store.get('important', id);
    if (!stored || isSettled(stored.status)) return undefined;
    const update = await this.lookups.toUpdate(stored);
    return this.database.transaction('important', async (tx) => {
      const result = await this.settle(tx, id, update);
      if (result) await this.settleCovered(tx, id, update, result);
      return result;
    });
  }

  /** Those of one customer together and in order, by what their payloads say. One that was settled meanwhile may be missing. */
  async groupByCustomer(webhooks: readonly ClaimedWebhook[]): Promise<ClaimedWebhook[][]> {
    const customers = await this.lookups.customersOf(webhooks);
    return groupByCustomer(webhooks, ({ eventId }) => customers.get(eventId));
  }

  /** Wakes what waits for any of these. Returns what the caller should apply now. */
  wake(needs: readonly string[]): Promise<ClaimedWebhook[]> {
    return this.database.transaction('important', (tx) => this.queue.wake(tx, needs));
  }

  private async settle(
    tx: Transaction,
    id: WebhookId,
    update: FetchedUpdate,
  ): Promise<UpdateResult | undefined> {
    const webhook = await this.store.lock(tx, id);
    if (!webhook || isSettled(webhook.status)) return undefined;
    const result = await this.applyOrWait(tx, update, sourceOf(webhook));
    await this.store.settle(tx, id, result);
    return result;
  }

  /** What it needs may be created at this moment, by a transaction that does not see it wait yet: so it looks again, with a lock. */
  private async applyOrWait(
    tx: Transaction,
    update: FetchedUpdate,
    source: ChangeSource,
  ): Promise<UpdateResult> {
    let result = await this.updates.apply(tx, update, source);
    let locked = '';
    for (let look = 1; look < MAX_LOOKS && result.waitingFor; look += 1) {
      const needs = result.waitingFor;
      if (needs.join() === locked) break;
      await this.queue.lockNeeds(tx, needs);
      locked = needs.join();
      result = await this.updates.apply(tx, update, source);
    }
    return result;
  }

  private async settleCovered(
    tx: Transaction,
    { processor }: WebhookId,
    update: FetchedUpdate,
    result: UpdateResult,
  ): Promise<void> {
    if (update.kind !== 'subscription' || !update.fetchedFrom) return;
    const { subscriptionId, fetchedFrom } = update;
    await this.queue.settleCovered(tx, { processor, subscriptionId, fetchedFrom }, result);
  }
}

const sourceOf = ({ processor, eventId, type }: StoredWebhook): ChangeSource => ({
  processor,
  webhookId: eventId,
  reason: type,
});
