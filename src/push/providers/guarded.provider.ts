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
import {
  isProviderOutage,
  PROVIDER_LIMITS,
  type ProviderLimits,
  OUTAGE_THRESHOLD,
  circuitPauseMs,
} from './circuit-breaker.js';
import type { ProviderMonitorService } from './provider-monitor.service.js';
import { networkErrorResult } from './network-error.js';
import type { PushMessage, PushProvider, SendResult } from './push-provider.js';

/** A vendor's folder, before it is guarded. */
export interface ProviderClient {
  readonly name: PushProvider['name'];
  readonly configured: boolean;
  /** Whose health this message depends on: web push is many services. Few names, and none that a device can make up. */
  lane(message: PushMessage): string;
  /** May throw, and may be left alone when `signal` is aborted. */
  send(message: PushMessage, signal: AbortSignal): Promise<SendResult>;
  close(): Promise<void>;
}

/** The machinery of one lane. `reopensAt`: when an open circuit is probed next. */
interface Lane {
  readonly places: BulkheadPolicy;
  readonly circuit: CircuitBreakerPolicy;
  reopensAt: number;
}

const BUSY_MS = 1_000;
const again = (reason: string, afterMs?: number): SendResult => ({ is: 'again', afterMs, reason });

/**
 * Keeps the promises of PushVendor around a vendor's library: a deadline for every send, a limit of sends under way and of those
 * that wait, and a circuit that opens when the vendor fails. One lane's outage takes none of the others' places.
 */
export class GuardedProvider implements PushProvider {
  readonly name: PushProvider['name'];
  private readonly lanes = new Map<string, Lane>();
  private readonly underWay = new Set<Promise<SendResult>>();
  private closed: Promise<void> | undefined;

  constructor(
    private readonly inner: ProviderClient,
    private readonly watch: ProviderMonitorService,
    private readonly limits: ProviderLimits = PROVIDER_LIMITS,
  ) {
    this.name = inner.name;
  }

  get configured(): boolean {
    return this.inner.configured;
  }

  async send(message: PushMessage): Promise<SendResult> {
    const start = performance.now();
    const judged = this.sendGuarded(message);
    this.underWay.add(judged);
    const verdict = await judged;
    this.underWay.delete(judged);
    this.watch.recordResult(this.name, message, verdict, performance.now() - start);
    return verdict;
  }

  /** What is under way is answered first; that takes the deadline at most. */
  close(): Promise<void> {
    this.closed ??= Promise.allSettled(this.underWay).then(() => this.inner.close());
    return this.closed;
  }

  private async sendGuarded(message: PushMessage): Promise<SendResult> {
    if (!this.inner.configured) return { is: 'our_fault', reason: 'not_configured' };
    if (this.closed) return again('closing');
    try {
      return await this.attempt(this.laneOf(this.inner.lane(message)), message);
    } catch (error) {
      this.watch.recordUnexpectedError(this.name, error);
      return again('unexpected');
    }
  }

  /** Throws nothing that belongs to the vendor's health or our limits. */
  private async attempt(lane: Lane, message: PushMessage): Promise<SendResult> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.limits.deadlineMs);
    const { signal } = deadline;
    const act = () => untilAborted(this.inner.send(message, signal).catch(networkErrorResult), signal);
    try {
      const hasPlace = lane.places.executionSlots > 0;
      const judged = lane.places.execute(() => lane.circuit.execute(act), signal);
      return await (hasPlace ? judged : untilAborted(judged, signal));
    } catch (error) {
      if (isBrokenCircuitError(error)) return again('circuit_open', Math.max(lane.reopensAt - Date.now(), 1));
      if (isBulkheadRejectedError(error)) return again('busy', BUSY_MS);
      if (signal.aborted) return again('deadline');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private laneOf(name: string): Lane {
    const known = this.lanes.get(name);
    if (known) return known;
    const circuit = circuitBreaker(
      handleAll.orWhenResult((verdict) => isProviderOutage(verdict as SendResult)),
      {
        breaker: new SamplingBreaker(OUTAGE_THRESHOLD),
        halfOpenAfter: { next: ({ attempt }) => this.pause(lane, attempt) },
      },
    );
    const lane: Lane = { places: bulkhead(this.limits.inFlight, this.limits.waiting), circuit, reopensAt: 0 };
    circuit.onBreak(() => this.watch.recordCircuit(this.name, name, 'open'));
    circuit.onReset(() => this.watch.recordCircuit(this.name, name, 'closed'));
    this.lanes.set(name, lane);
    return lane;
  }

  /** Called when the circuit opens, and again after each probe that failed. */
  private pause(
    lane: Lane,
    attempt: number,
  ): { duration: number; next: (context: { attempt: number }) => never } {
    const duration = circuitPauseMs(attempt, this.limits);
    lane.reopensAt = Date.now() + duration;
    return { duration, next: (context) => this.pause(lane, context.attempt) as never };
  }
}

/**
 * The promise's outcome, or `again` at the deadline; what the promise becomes later is nobody's business. The signal lives for one
 * send: nothing need be taken from it.
 */
function untilAborted(promise: Promise<SendResult>, signal: AbortSignal): Promise<SendResult> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(again('deadline'));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject);
  });
}
