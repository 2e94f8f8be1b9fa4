import {
  type BulkheadPolicy,
  bulkhead,
  type CircuitBreakerPolicy,
  circuitBreaker,
  handleAll,
  isBrokenCircuitError,
  isBulkheadRejectedError,
  SamplingBreaker,
} from 'cockatiel';
import { monotonicNow } from '../scheduling/monotonic.js';
import type { OutboundProvider, SendMonitor } from './outbound-provider.js';
import {
  CIRCUIT_THRESHOLD,
  circuitPauseMs,
  isOutage,
  RESILIENCE_LIMITS,
  type ResilienceLimits,
} from './resilience.js';
import { networkErrorResult, retry, type SendResult } from './send-result.js';

/** The policies around one upstream service. */
interface Upstream {
  readonly bulkhead: BulkheadPolicy;
  readonly circuit: CircuitBreakerPolicy;
  /** Unix time in ms at which an open circuit lets a probe through. */
  probeAt: number;
}

/** When a send that found the queue full is tried again. */
const QUEUE_FULL_RETRY_MS = 1_000;

/**
 * A provider behind a timeout, a bulkhead and a circuit breaker (cockatiel). `send` never throws and has a result within the timeout. Each
 * upstream service has a bulkhead and a circuit of its own, so that one's outage takes no slots of the others.
 */
export class ResilientProvider<Message> {
  private readonly upstreams = new Map<string, Upstream>();
  private readonly inFlight = new Set<Promise<SendResult>>();
  private closing: Promise<void> | undefined;

  constructor(
    private readonly name: string,
    private readonly provider: OutboundProvider<Message>,
    private readonly monitor: SendMonitor<Message>,
    private readonly limits: ResilienceLimits = RESILIENCE_LIMITS,
  ) {}

  /** Returns `retry` when the provider did not respond in time, when its circuit is open, and when too many sends wait. */
  async send(message: Message): Promise<SendResult> {
    const startedAt = performance.now();
    const sending = this.trySend(message);
    this.inFlight.add(sending);
    const result = await sending;
    this.inFlight.delete(sending);
    this.monitor.recordResult(this.name, message, result, performance.now() - startedAt);
    return result;
  }

  /** Waits for the sends in flight, which the timeout bounds, then ends the connections. Idempotent. */
  close(): Promise<void> {
    this.closing ??= Promise.allSettled(this.inFlight).then(() => this.provider.close());
    return this.closing;
  }

  private async trySend(message: Message): Promise<SendResult> {
    if (this.closing) return retry('closing');
    try {
      return await this.sendThrough(this.upstream(this.provider.upstreamOf(message)), message);
    } catch (error) {
      this.monitor.recordUnexpectedError(this.name, error);
      return retry('unexpected');
    }
  }

  private async sendThrough(upstream: Upstream, message: Message): Promise<SendResult> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), this.limits.timeoutMs);
    const { signal } = timeout;
    const send = () => withDeadline(this.provider.send(message, signal).catch(networkErrorResult), signal);
    try {
      const hasSlot = upstream.bulkhead.executionSlots > 0;
      const sending = upstream.bulkhead.execute(() => upstream.circuit.execute(send), signal);
      return await (hasSlot ? sending : withDeadline(sending, signal));
    } catch (error) {
      if (isBrokenCircuitError(error))
        return retry('circuit_open', Math.max(upstream.probeAt - monotonicNow(), 1));
      if (isBulkheadRejectedError(error)) return retry('busy', QUEUE_FULL_RETRY_MS);
      if (signal.aborted) return retry('deadline');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private upstream(name: string): Upstream {
    const known = this.upstreams.get(name);
    if (known) return known;
    const circuit = circuitBreaker(
      handleAll.orWhenResult((result) => isOutage(result as SendResult)),
      {
        breaker: new SamplingBreaker(CIRCUIT_THRESHOLD),
        halfOpenAfter: { next: ({ attempt }) => this.pauseCircuit(upstream, attempt) },
      },
    );
    const { maxInFlight, maxQueued } = this.limits;
    const upstream: Upstream = { bulkhead: bulkhead(maxInFlight, maxQueued), circuit, probeAt: 0 };
    circuit.onBreak(() => this.monitor.recordCircuit(this.name, name, 'open'));
    circuit.onReset(() => this.monitor.recordCircuit(this.name, name, 'closed'));
    this.upstreams.set(name, upstream);
    return upstream;
  }

  /** cockatiel calls it when the circuit opens, and after each probe that failed. */
  private pauseCircuit(
    upstream: Upstream,
    attempt: number,
  ): { duration: number; next: (context: { attempt: number }) => never } {
    const duration = circuitPauseMs(attempt, this.limits);
    upstream.probeAt = monotonicNow() + duration;
    return { duration, next: (context) => this.pauseCircuit(upstream, context.attempt) as never };
  }
}

/**
 * The promise's result, or `retry` once the signal is aborted; what the promise settles to later is ignored. The signal lives for one
 * send only, so the listener need not be removed.
 */
function withDeadline(promise: Promise<SendResult>, signal: AbortSignal): Promise<SendResult> {
  return new Promise((resolve, reject) => {
    const expire = () => resolve(retry('deadline'));
    if (signal.aborted) return expire();
    signal.addEventListener('abort', expire, { once: true });
    promise.then(resolve, reject);
  });
}
