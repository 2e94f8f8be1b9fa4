import { EdgeError } from './errors.js';
import type { Lease } from './lease.js';
import type { UsherApi } from './usher-api.js';

/**
 * Why a stream is over: one of Usher's reasons (docs/CONTRACT.md, `stream.stop`); the code of a refused renewal, such as
 * `not_entitled`; `expired`, the lease expired and could not be renewed; `over`, it ended while this node was disconnected;
 * `ended`, this node ended it.
 */
export type StopReason = string;

/** A lease is renewed after a third of its lifetime, so that two renewals may fail. */
const RENEW_SHARE = 1 / 3;
/** Renewals come up to a fifth earlier, so that streams that were started together spread out. */
const JITTER = 0.2;
/** Delay after a failed renewal, as a share of the lease's lifetime. */
const RETRY_SHARE = 1 / 12;
const MIN_RETRY_MS = 250;

/** What a stream needs from its node. */
export interface EdgeStreamContext {
  readonly api: UsherApi;
  /** Monotonic time in ms. */
  now(): number;
  /** Verifies a lease that Usher has sent just now. Throws LeaseRefused. */
  verify(token: string): Promise<Lease>;
  onError(action: string, error: unknown): void;
  /** The stream is over. Called once. */
  onEnd(stream: EdgeStream): void;
}

/**
 * One stream and its lease, which it renews by itself. `signal` is aborted when the stream must stop: because Usher says so, or
 * because the lease expired by this machine's monotonic clock.
 */
export class EdgeStream {
  private readonly controller = new AbortController();
  private expiryTimer: NodeJS.Timeout | undefined;
  private renewalTimer: NodeJS.Timeout | undefined;
  private isRenewing = false;
  private deadline = 0;

  /** @param remainingMs what is left of the lease */
  constructor(
    private readonly context: EdgeStreamContext,
    private currentLease: Lease,
    remainingMs: number,
  ) {
    this.setLease(currentLease, remainingMs);
  }

  get streamId(): string {
    return this.currentLease.streamId;
  }

  /** The newest lease. */
  get lease(): Lease {
    return this.currentLease;
  }

  /** Aborted when the stream is over. Its `reason` is the {@link StopReason}. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** What is left of the lease in ms; 0 when the stream is over. */
  get remainingMs(): number {
    return this.signal.aborted ? 0 : Math.max(0, this.deadline - this.context.now());
  }

  /** Ends the stream and frees its slot. Idempotent, does not throw. */
  async end(): Promise<void> {
    if (this.signal.aborted) return;
    this.stop('ended');
    await this.context.api
      .endStream(this.streamId)
      .catch((error: unknown) => this.context.onError('ending a stream', error));
  }

  /** Aborts the signal and stops all timers. Idempotent. */
  stop(reason: StopReason): void {
    if (this.signal.aborted) return;
    clearTimeout(this.expiryTimer);
    clearTimeout(this.renewalTimer);
    this.controller.abort(reason);
    this.context.onEnd(this);
  }

  /** Renews at a random time within `delayMs`. */
  renewWithin(delayMs: number): void {
    if (!this.signal.aborted) this.scheduleRenewal(Math.random() * delayMs);
  }

  private setLease(lease: Lease, remainingMs: number): void {
    this.currentLease = lease;
    this.deadline = this.context.now() + remainingMs;
    clearTimeout(this.expiryTimer);
    this.expiryTimer = setTimeout(() => this.stop('expired'), remainingMs);
    this.scheduleRenewal(remainingMs * RENEW_SHARE * (1 - JITTER * Math.random()));
  }

  private scheduleRenewal(delayMs: number): void {
    clearTimeout(this.renewalTimer);
    this.renewalTimer = setTimeout(() => void this.renew(), delayMs);
  }

  private async renew(): Promise<void> {
    if (this.isRenewing) return;
    this.isRenewing = true;
    const requestedAt = this.context.now();
    try {
      const response = await this.context.api.renewStream(this.streamId);
      const lease = await this.context.verify(response.lease);
      // Counted from the request: neither a slow response nor a wrong clock may make a lease last longer.
      const remainingMs = lease.expiresAt - lease.issuedAt - (this.context.now() - requestedAt);
      if (!this.signal.aborted && remainingMs > 0) this.setLease(lease, remainingMs);
    } catch (error) {
      this.handleRenewalFailure(error);
    } finally {
      this.isRenewing = false;
    }
  }

  private handleRenewalFailure(error: unknown): void {
    if (this.signal.aborted) return;
    if (error instanceof EdgeError && !error.retryable) {
      const { reason } = error.details;
      return this.stop(typeof reason === 'string' ? reason : error.code);
    }
    this.context.onError('renewing a lease', error);
    const lifetimeMs = this.currentLease.expiresAt - this.currentLease.issuedAt;
    this.scheduleRenewal(Math.max(MIN_RETRY_MS, lifetimeMs * RETRY_SHARE * (0.5 + Math.random())));
  }
}
