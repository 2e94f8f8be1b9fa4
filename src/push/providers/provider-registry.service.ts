import { Inject, Injectable, Optional } from '@nestjs/common';
import type { ProviderName } from '../queue/push.js';
import { PUSH_PROVIDERS } from './providers.module.js';
import type { PushMessage, PushProvider, SendResult } from './push-provider.js';

/** Takes the pushes of providers that have no credentials here: the demo page's lock screen. */
export type StandInProvider = Pick<PushProvider, 'send'>;
export const STAND_IN_PROVIDER = Symbol('STAND_IN_PROVIDER');

/** The push providers by name. */
@Injectable()
export class ProviderRegistryService {
  private readonly providers: ReadonlyMap<ProviderName, PushProvider>;

  constructor(
    @Inject(PUSH_PROVIDERS) providers: readonly PushProvider[],
    @Optional() @Inject(STAND_IN_PROVIDER) private readonly standIn?: StandInProvider,
  ) {
    this.providers = new Map(providers.map((provider) => [provider.name, provider]));
  }

  /** Never throws. The result is a rejection when the provider is not configured here. */
  send(name: ProviderName, message: PushMessage): Promise<SendResult> {
    const provider = this.providers.get(name);
    if (provider?.configured) return provider.send(message);
    return this.standIn?.send(message) ?? Promise.resolve({ is: 'sender_fault', reason: 'not_configured' });
  }
}
