import type { Api } from './api.js';
import { EdgeError } from './errors.js';
import type { Lease } from './lease.js';

/**
 * Why a stream is over: Usher's reasons, `expired` (its lease ended and could not be renewed), a code as
 * `not_entitled` (the renewal was refused), `over` (it ended while this node was cut off), `ended` (by this node).
 */
export type StopReason = string;

/** Renewals are due at a third of the lease, so that two may fail; spread, so that streams begun together part. */
const RENEW_SHARE = 1 / 3;
const JITTER = 0.2;
/** After a renewal that did not get through. */
const RETRY_MIN_MS = 250;
const RETRY_SHARE = 1 / 12;

/** What a stream needs of the node it belongs to. */
export interface StreamHome {
  readonly api: Api;
  /** By a clock that nobody sets, in ms. */
  now(): number;
  /** Verifies what Usher gave anew. Throws LeaseRefused. */
  verify(token: string): Promise<Lease>;
  trouble(what: string, error: unknown): void;
  onOver(stream: EdgeStream): void;
}

/**
 * One stream and its lease, which it renews by itself. `signal` is aborted the moment it must stop: when Usher says so, or
 * when the lease ends by this machine's own monotonic clock. Hang the sending of bytes on it.
 */
export class EdgeStream {
  private readonly over = new AbortController();
  private expiry: NodeJS.Timeout | undefined;
  private renewal: NodeJS.Timeout | undefined;
  /** Between two leases; a second word while it is under way comes too late to change it. */
  private renewing = false;
  private deadline = 0;

  /** `livesMs` is what is left of the lease. */
  constructor(
    private readonly home: StreamHome,
    private current: Lease,
    livesMs: number,
  ) {
    this.take(current, livesMs);
  }

  get streamId(): string {
    return this.current.streamId;
  }

  /** The newest lease. */
  get lease(): Lease {
    return this.current;
  }

  /** Aborted when it is over; its `reason` is the StopReason. */
  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** What is left of the lease, in ms; 0 when it is over. */
  get livesMs(): number {
    return this.over.signal.aborted ? 0 : Math.max(0, this.deadline - this.home.now());
  }

  /** This node is done with it: the slot is freed. */
  async end(): Promise<void> {
    if (this.over.signal.aborted) return;
    this.stop('ended');
    await this.home.api
      .end(this.streamId)
      .catch((error: unknown) => this.home.trouble('ending a stream', error));
  }

  /** Not a byte more. Idempotent. */
  stop(reason: StopReason): void {
    if (this.over.signal.aborted) return;
    clearTimeout(this.expiry);
    clearTimeout(this.renewal);
    this.over.abort(reason);
    this.home.onOver(this);
  }

  /** Renews within `withinMs`: the membership has changed. */
  renewSoon(withinMs: number): void {
    if (!this.over.signal.aborted) this.schedule(Math.random() * withinMs);
  }

  private take(lease: Lease, livesMs: number): void {
    this.current = lease;
    this.deadline = this.home.now() + livesMs;
    clearTimeout(this.expiry);
    this.expiry = setTimeout(() => this.stop('expired'), livesMs);
    this.schedule(livesMs * RENEW_SHARE * (1 - JITTER * Math.random()));
  }

  private schedule(inMs: number): void {
    clearTimeout(this.renewal);
    this.renewal = setTimeout(() => void this.renew(), inMs);
  }

  private async renew(): Promise<void> {
    if (this.renewing) return;
    this.renewing = true;
    const asked = this.home.now();
    try {
      const granted = await this.home.api.renew(this.streamId);
      const lease = await this.home.verify(granted.lease);
      // From when it was asked for: however slow the answer, and whatever the two clocks say, it lives no longer.
      const livesMs = lease.expiresAt - lease.issuedAt - (this.home.now() - asked);
      if (!this.over.signal.aborted && livesMs > 0) this.take(lease, livesMs);
    } catch (error) {
      this.failed(error);
    } finally {
      this.renewing = false;
    }
  }

  private failed(error: unknown): void {
    if (this.over.signal.aborted) return;
    if (error instanceof EdgeError && !error.retryable) {
      const { reason } = error.more;
      return this.stop(typeof reason === 'string' ? reason : error.code);
    }
    this.home.trouble('renewing a lease', error);
    const lease = this.current.expiresAt - this.current.issuedAt;
    this.schedule(Math.max(RETRY_MIN_MS, lease * RETRY_SHARE * (0.5 + Math.random())));
  }
}
