import { Inject, Injectable, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { ProviderMonitorService } from './provider-monitor.service.js';
import type { PushMessage } from './push-message.js';
import { providerNamesByKind, PUSH_PROVIDERS, type PushProviderDefinition } from './push-provider.js';
import { ResilientProvider } from '../../platform/sending/resilient.provider.js';
import { rejected, type SendResult } from '../../platform/sending/send-result.js';

/** Takes the messages of providers that have no credentials here. The demo page's lock screen is one. */
export interface StandInProvider {
  send(message: PushMessage): Promise<SendResult>;
}
/** Injection token of the StandInProvider, which the demo binds. */
export const STAND_IN_PROVIDER = Symbol('STAND_IN_PROVIDER');

/** Connects to every provider whose credentials are set, and sends each message through the one that serves its address. */
@Injectable()
export class PushProvidersService implements OnApplicationShutdown {
  private readonly nameOfKind: Readonly<Record<string, string>>;
  private readonly connected = new Map<string, ResilientProvider<PushMessage>>();

  constructor(
    @Inject(PUSH_PROVIDERS) definitions: readonly PushProviderDefinition[],
    @Inject(CONFIG) config: Config,
    monitor: ProviderMonitorService,
    @Optional() @Inject(STAND_IN_PROVIDER) private readonly standIn?: StandInProvider,
  ) {
    this.nameOfKind = providerNamesByKind(definitions);
    for (const definition of definitions) {
      const provider = definition.create(config);
      if (!provider) continue;
      this.connected.set(definition.name, new ResilientProvider(definition.name, provider, monitor));
    }
  }

  /** Whether any push can be sent from here. */
  get canSend(): boolean {
    return this.standIn !== undefined || this.connected.size > 0;
  }

  /** Never throws. Returns `rejected` when the provider of the address is not configured. */
  send(message: PushMessage): Promise<SendResult> {
    const name = this.nameOfKind[message.to.kind];
    const provider = name === undefined ? undefined : this.connected.get(name);
    if (provider) return provider.send(message);
    return this.standIn?.send(message) ?? Promise.resolve(rejected('not_configured'));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.connected.values()].map((provider) => provider.close()));
  }
}
