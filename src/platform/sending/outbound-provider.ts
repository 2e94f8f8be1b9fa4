import type { SendResult } from './send-result.js';

/** The connection to one provider that messages are sent through: what its folder implements. `ResilientProvider` wraps it. */
export interface OutboundProvider<Message> {
  /**
   * The service behind the provider that takes this message: Web Push is many services, and one's outage is not the others'. A small set
   * of names, none of which a device can make up, since each has a circuit breaker of its own.
   */
  upstreamOf(message: Message): string;
  /** Sends once, without retries. May throw, and need not settle once `signal` is aborted. */
  send(message: Message, signal: AbortSignal): Promise<SendResult>;
  /** Ends the connections. */
  close(): Promise<void>;
}

/** Who is told what providers return. */
export interface SendMonitor<Message> {
  /** `ms`: since the send began. */
  recordResult(provider: string, message: Message, result: SendResult, ms: number): void;
  /** An upstream service's circuit breaker has opened or closed. */
  recordCircuit(provider: string, upstream: string, state: 'open' | 'closed'): void;
  /** An error of ours that no response explains. */
  recordUnexpectedError(provider: string, error: unknown): void;
}
