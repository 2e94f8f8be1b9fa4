import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import type { AuditContext, AuditedAct } from '../../platform/audit/audit-entry.js';
import { AuditService } from '../../platform/audit/audit.service.js';
import { pageOf } from '../../platform/http/cursor.schema.js';
import { jsonDeeperThan } from '../../platform/http/body/json-depth.js';
import type { WebhookHeaders } from '../processors/processor.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { lookupOf, type WebhookId } from './webhook.js';
import { WebhookQueueStore } from './webhook-queue.store.js';
import { WebhookDispatchService } from './webhook-dispatch.service.js';
import { redactBody } from './redaction/redact-body.js';
import { type DescribedWebhook, type ListedWebhook, WebhookStore } from './webhook.store.js';
import type { WebhooksQuery } from './webhooks.schema.js';

/** Nesting of a webhook's JSON; one that is deeper is refused before it is parsed. */
const MAX_DEPTH = 64;

/** A webhook as operators see it, with a body in which nothing is about a person. */
export type ShownWebhook = Omit<DescribedWebhook, 'payload'> & { readonly body: unknown };

/** Receives processors' webhooks: verify, store, apply. Shows operators what became of them. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly store: WebhookStore,
    private readonly dispatch: WebhookDispatchService,
    private readonly processors: ProcessorsService,
    private readonly queue: WebhookQueueStore,
    private readonly audit: AuditService,
  ) {}

  /**
   * Receives a webhook. When this returns, the webhook is stored and will be applied; usually it is applied already. `duplicate`: it
   * was stored before. Throws Problem not_found, not_configured, signature_invalid, signature_stale, malformed_json,
   * invalid_request, too_deep.
   */
  async receive(
    processorName: string,
    body: Buffer,
    headers: WebhookHeaders,
  ): Promise<{ duplicate: boolean }> {
    const processor = this.processors.get(processorName);
    if (jsonDeeperThan(body, MAX_DEPTH)) throw new Problem('too_deep');
    const webhook = await processor.verify(body, headers);
    const id = { processor: processorName, eventId: webhook.eventId };
    const lookup = processor.api && lookupOf(processor.read(JSON.parse(webhook.payload)));
    const isNew = await this.store.insert(processorName, webhook, lookup);
    if (isNew) await this.dispatch.applyReceived(id);
    else this.dispatch.countDuplicate(id);
    return { duplicate: !isNew };
  }

  /** Returns the webhooks of that status, the newest first; `next` is the `before` of the next page. */
  async list({
    status,
    before,
    limit,
  }: WebhooksQuery): Promise<{ webhooks: ListedWebhook[]; next?: string }> {
    const rows = await this.store.listNewest(status, before, limit + 1);
    const { page, ...next } = pageOf(rows, limit, (one) => [one.receivedAt, one.processor, one.eventId]);
    return { webhooks: page, ...next };
  }

  /** Throws Problem not_found. */
  async describe(id: WebhookId): Promise<ShownWebhook> {
    const webhook = await this.store.describe(id);
    if (!webhook) throw new Problem('not_found', 'There is no such webhook.');
    const { payload, ...rest } = webhook;
    return { ...rest, body: redactBody(payload) };
  }

  /** Applies a webhook that waits, failed or was ignored; returns what became of it. Throws Problem not_found, conflict. */
  async retry(id: WebhookId, by: AuditContext): Promise<ShownWebhook> {
    const before = await this.describe(id);
    const webhook = await this.audit.transaction('important', by, async (tx) => {
      const reopened = await this.queue.reopen(tx, id);
      return { outcome: reopened, acts: reopened ? [retryOf(before)] : [] };
    });
    if (!webhook) throw new Problem('conflict', refusalOf(await this.describe(id)));
    await this.dispatch.applyNow(webhook);
    return this.describe(id);
  }
}

function refusalOf({ status }: ShownWebhook): string {
  if (status === 'applied') return 'It was applied before.';
  return status === 'stale' ? 'Something newer was known already.' : 'Its body was removed.';
}

const retryOf = ({ processor, eventId, userId, status }: ShownWebhook): AuditedAct => ({
  action: 'webhook.retry',
  target: { kind: 'webhook', id: `${processor}:${eventId}` },
  userId: userId ?? undefined,
  before: { status },
  after: { status: 'stored' },
  result: 'done',
});
