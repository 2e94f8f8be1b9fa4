import type { Config } from '../../platform/config/config.js';
import type { OutboundProvider } from '../../platform/sending/outbound-provider.js';
import type { DurableTier } from '../../platform/tiers.js';
import type { MessageChannel } from '../message.js';

/** A mail, or one part of a text, in no provider's format. */
export interface OutgoingMessage {
  /** The message's id. A mail that is sent twice has it twice, by which mail servers know it. */
  readonly id: string;
  /** A mail address, or a number in E.164. */
  readonly to: string;
  /** Of a text: the sender of its route. */
  readonly sender?: string | undefined;
  readonly subject?: string | undefined;
  readonly text: string;
  readonly html?: string | undefined;
  /** Of a mail: critical ones do not wait for others. */
  readonly tier?: DurableTier | undefined;
  /** Where the provider reports what became of it. */
  readonly statusUrl: string;
  /** Where the recipient ends mails of this category, with one click (RFC 8058). */
  readonly unsubscribeUrl?: string | undefined;
}

/** The connection to a provider of texts or mails. */
export interface MessageProvider extends OutboundProvider<OutgoingMessage> {
  /** Ends at once what only waits to be sent, now and later. */
  stopWaiting?(): void;
}

/** All that the rest of Usher must know of a provider. Each provider's folder exports one; registry.ts lists them. */
export interface MessageProviderDefinition {
  /** As it is stored, and as metrics and SMS_ROUTES name it. */
  readonly name: string;
  readonly channel: MessageChannel;
  /** The path below PUBLIC_URL where it reports what became of messages. */
  readonly statusPath: string;
  /** A send has a result within this, if not within what holds for all providers (resilience.ts). */
  readonly timeoutMs?: number;
  isConfigured(config: Config): boolean;
  /** Returns undefined when its settings are missing. */
  create(config: Config): MessageProvider | undefined;
}

/** The providers of this installation: `readonly MessageProviderDefinition[]`. */
export const MESSAGE_PROVIDERS = Symbol('MESSAGE_PROVIDERS');
