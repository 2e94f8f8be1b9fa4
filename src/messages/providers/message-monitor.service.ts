import { Inject, Injectable } from '@nestjs/common';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { ProviderMonitor } from '../../platform/sending/provider-monitor.js';
import {
  MESSAGE_PROVIDERS,
  type MessageProviderDefinition,
  type OutgoingMessage,
} from './message-provider.js';

/** The ProviderMonitor of texts and mails. */
@Injectable()
export class MessageMonitorService extends ProviderMonitor<OutgoingMessage> {
  constructor(
    metrics: MetricsService,
    @Inject(MESSAGE_PROVIDERS) definitions: readonly Pick<MessageProviderDefinition, 'name'>[],
  ) {
    const channel = {
      name: 'message',
      providers: 'providers of texts and mails',
      vendors: definitions.map(({ name }) => name),
      alert: 'ushermessagemisconfigured',
      addressOf: ({ to }: OutgoingMessage) => to,
    } as const;
    super(channel, metrics);
  }
}
