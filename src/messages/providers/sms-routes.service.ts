import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { SmsRoute } from '../../platform/config/message-settings.js';
import { MESSAGE_PROVIDERS, type MessageProviderDefinition } from './message-provider.js';
import { longestPrefix } from './longest-prefix.js';

/** How texts get to which numbers (SMS_ROUTES). */
@Injectable()
export class SmsRoutesService {
  private readonly byPrefix: ReadonlyMap<string, SmsRoute>;
  /** ISO 4217, of all prices. */
  readonly currency: string;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(MESSAGE_PROVIDERS) definitions: readonly MessageProviderDefinition[],
  ) {
    const { routes = [], currency = 'USD' } = config.SMS_ROUTES ?? {};
    this.byPrefix = new Map(routes.map((route) => [route.prefix, route]));
    this.currency = currency;
    for (const { prefix, senders } of routes)
      for (const { provider } of senders) checkProvider({ prefix, provider }, definitions, config);
  }

  /** Whether any text can be sent from here. */
  get canSend(): boolean {
    return this.byPrefix.size > 0;
  }

  /** Returns the route with the longest prefix of the number; undefined when no text goes there. */
  find(number: string): SmsRoute | undefined {
    return longestPrefix(number, this.byPrefix);
  }
}

/** Throws for a provider that cannot send: texts must not find that out. */
function checkProvider(
  { prefix, provider }: { prefix: string; provider: string },
  definitions: readonly MessageProviderDefinition[],
  config: Config,
): void {
  const definition = definitions.find(({ name, channel }) => name === provider && channel === 'sms');
  if (!definition) throw new Error(`SMS_ROUTES: there is no SMS provider ${provider} (route ${prefix})`);
  if (!definition.isConfigured(config))
    throw new Error(`SMS_ROUTES: the settings of ${provider} are missing (route ${prefix})`);
}
