import type { PushAddress } from '../../devices/push-address.schema.js';
import type { Config } from '../../platform/config/config.js';
import type { OutboundProvider } from '../../platform/sending/outbound-provider.js';
import type { PushMessage } from './push-message.js';

/** The connection to one push provider. */
export type PushProvider = OutboundProvider<PushMessage>;

/** All that the rest of Usher must know of a push provider. Each provider's folder exports one; registry.ts lists them. */
export interface PushProviderDefinition {
  /** As it is stored, and as metrics, timelines and the forecast name it. */
  readonly name: string;
  /** The kinds of push addresses that it serves. No other provider serves them. */
  readonly addressKinds: readonly PushAddress['kind'][];
  /** Whether it throttles background pushes to one device, so that Usher keeps to BACKGROUND_PER_DEVICE. */
  readonly throttlesBackground?: true;
  /** How many messages it may be sent per minute, by all workers together. */
  perMinute(config: Config): number;
  /** Returns undefined when its credentials are not set. */
  create(config: Config): PushProvider | undefined;
}

/** The providers of this installation: `readonly PushProviderDefinition[]`. */
export const PUSH_PROVIDERS = Symbol('PUSH_PROVIDERS');

/** The name of the provider of each kind of push address. Throws when two providers serve one kind: a push would go to either. */
export function providerNamesByKind(
  definitions: readonly PushProviderDefinition[],
): Readonly<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const { name, addressKinds } of definitions)
    for (const kind of addressKinds) {
      if (names[kind] !== undefined) throw new Error(`${names[kind]} and ${name} both serve ${kind}`);
      names[kind] = name;
    }
  return names;
}
