import { Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { jsonDeeperThan } from '../../platform/http/body/json-depth.js';
import type { WebhookHeaders } from '../processors/processor.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { lookupOf } from './webhook.js';
import { WebhookDispatchService } from './webhook-dispatch.service.js';
import { WebhookStore } from './webhook.store.js';

/** Nesting of a webhook's JSON; one that is deeper is refused before it is parsed. */
const MAX_DEPTH = 64;

/** Receives processors' webhooks: verify, store, apply. */
@Injectable()
export class WebhooksService {
  constructor(
    private readonly store: WebhookStore,
    private readonly dispatch: WebhookDispatchService,
    private readonly processors: ProcessorsService,
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
}
