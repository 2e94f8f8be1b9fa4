import { Inject, Injectable } from '@nestjs/common';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { NodeFactsService } from '../../platform/node-facts.service.js';
import { ProviderMonitor } from '../../platform/sending/provider-monitor.js';
import type { PushMessage } from './push-message.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from './push-provider.js';

/** The ProviderMonitor of push. Nodes say which circuits are open and which credentials are wrong. */
@Injectable()
export class ProviderMonitorService extends ProviderMonitor<PushMessage> {
  constructor(
    metrics: MetricsService,
    @Inject(PUSH_PROVIDERS) definitions: readonly Pick<PushProviderDefinition, 'name'>[],
    facts: NodeFactsService,
  ) {
    const channel = {
      name: 'push',
      providers: 'push providers',
      vendors: definitions.map(({ name }) => name),
      alert: 'usherpushmisconfigured',
      addressOf: ({ to }: PushMessage) => to.address,
    } as const;
    super(channel, metrics);
    facts.add('openCircuits', () => this.listOpenCircuits());
    facts.add('misconfigured', () => this.listMisconfigurations());
  }
}
