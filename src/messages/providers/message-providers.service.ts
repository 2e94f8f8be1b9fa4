import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { ResilientProvider } from '../../platform/sending/resilient.provider.js';
import { RESILIENCE_LIMITS } from '../../platform/sending/resilience.js';
import { rejected, type SendResult } from '../../platform/sending/send-result.js';
import type { MessageChannel } from '../message.js';
import { MessageMonitorService } from './message-monitor.service.js';
import {
  MESSAGE_PROVIDERS,
  type MessageProvider,
  type MessageProviderDefinition,
  type OutgoingMessage,
} from './message-provider.js';

interface Connected {
  readonly definition: MessageProviderDefinition;
  readonly inner: MessageProvider;
  readonly provider: ResilientProvider<OutgoingMessage>;
}

/** Connects to every provider whose settings are there. */
@Injectable()
export class MessageProvidersService implements OnApplicationShutdown {
  private readonly connected = new Map<string, Connected>();
  private readonly publicUrl: string;

  constructor(
    @Inject(MESSAGE_PROVIDERS) definitions: readonly MessageProviderDefinition[],
    @Inject(CONFIG) config: Config,
    monitor: MessageMonitorService,
  ) {
    this.publicUrl = config.PUBLIC_URL ?? '';
    for (const definition of definitions) {
      const inner = definition.create(config);
      if (!inner) continue;
      const { timeoutMs = RESILIENCE_LIMITS.timeoutMs } = definition;
      const limits = { ...RESILIENCE_LIMITS, timeoutMs };
      const provider = new ResilientProvider(definition.name, inner, monitor, limits);
      this.connected.set(definition.name, { definition, inner, provider });
    }
  }

  /** Returns the name of the first provider of the channel that is configured. */
  nameFor(channel: MessageChannel): string | undefined {
    return [...this.connected.values()].find(({ definition }) => definition.channel === channel)?.definition
      .name;
  }

  /** Sends through the provider of this name; its reports of the message come to its statusPath. Never throws. */
  send(name: string, message: Omit<OutgoingMessage, 'statusUrl'>): Promise<SendResult> {
    const connected = this.connected.get(name);
    if (!connected) return Promise.resolve(rejected('not_configured'));
    const { definition, provider } = connected;
    const statusUrl = `${this.publicUrl}${definition.statusPath}?message=${encodeURIComponent(message.id)}`;
    return provider.send({ ...message, statusUrl });
  }

  /** Ends at once what only waits to be sent, now and later. */
  stopWaiting(): void {
    for (const { inner } of this.connected.values()) inner.stopWaiting?.();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.connected.values()].map(({ provider }) => provider.close()));
  }
}
