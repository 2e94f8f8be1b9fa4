import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { ProcessorsService } from '../processors/processors.service.js';
import { WebhookDispatchService } from './webhook-dispatch.service.js';

const EVERY_MS = 2_000;

/**
 * Applies webhooks that were stored but never settled, whatever happened to the node that received them. Each processor has a loop of its
 * own: one that does not respond holds up no other.
 */
@Injectable()
export class WebhookRetryWorker extends PeriodicWorker {
  constructor(
    private readonly webhooks: WebhookDispatchService,
    processors: ProcessorsService,
    @Inject(CONFIG) config: Config,
  ) {
    super({
      log: 'webhooks',
      everyMs: Object.fromEntries(processors.names().map((name) => [name, EVERY_MS])),
      runs: config.ROLES.includes('worker'),
    });
  }

  protected runOnce(processor: string): Promise<void> {
    return this.webhooks.applyLeftOver(processor);
  }
}
