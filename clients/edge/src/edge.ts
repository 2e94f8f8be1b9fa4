import { EdgeSocket, type EntitlementChanged } from './edge-socket.js';
import { EdgeStream, type EdgeStreamContext, type StopReason } from './edge-stream.js';
import { EdgeError } from './errors.js';
import { JwksCache } from './jwks-cache.js';
import { type Lease, verifyLease, verifyNewLease } from './lease.js';
import type { EdgeOptions } from './options.js';
import { RevocationList } from './revocation-list.js';
import { type StreamRequest, UsherApi } from './usher-api.js';

/** After a plan changed, all of its users' streams renew. They spread out over this time. */
const RENEW_WITHIN_MS = 1_000;

/** An edge node's client of Usher. Create one for each process that sends video. */
export class Edge {
  private readonly api: UsherApi;
  private readonly jwks: JwksCache;
  private readonly socket: EdgeSocket;
  private readonly streams = new Map<string, EdgeStream>();
  private readonly revocations = new RevocationList();
  private readonly streamContext: EdgeStreamContext;
  private isClosed = false;

  constructor(options: EdgeOptions) {
    const now = () => performance.now();
    const onError = options.onError ?? (() => undefined);
    this.api = new UsherApi(options);
    this.jwks = new JwksCache(options.url, now);
    this.streamContext = {
      api: this.api,
      now,
      onError,
      verify: (token) => this.verifyNew(token),
      onEnd: (stream) => this.handleStreamEnd(stream),
    };
    this.socket = new EdgeSocket(options, {
      onError,
      getStreamIds: () => [...this.streams.keys()],
      onStreamStop: ({ streamId, reason }) => this.stopStream(streamId, reason),
      onStreamsEnded: (streamIds) => streamIds.forEach((streamId) => this.stopStream(streamId, 'over')),
      onEntitlementChanged: (changed) => this.handleEntitlementChanged(changed),
    });
  }

  /** True if Usher can stop streams at this moment. Without a connection they go on until their leases expire. */
  get connected(): boolean {
    return this.socket.isConnected;
  }

  /**
   * Starts a stream. Call it before the first byte. Throws EdgeError: `not_entitled`, `too_many_streams`, `unreachable`, …
   * (docs/CONTRACT.md, "Streams and leases"). Throws LeaseRefused if the stream was stopped meanwhile.
   */
  async start(request: StreamRequest): Promise<EdgeStream> {
    const requestedAt = this.streamContext.now();
    const { lease: token, streamId } = await this.api.startStream(request);
    try {
      const lease = await this.verifyNew(token);
      return this.addStream(lease, lifetimeOf(lease) - (this.streamContext.now() - requestedAt));
    } catch (error) {
      void this.giveBack(streamId);
      throw error;
    }
  }

  /**
   * Takes over the stream of a lease that a player shows, and renews it from now on. Returns the same object for the same
   * stream. Throws LeaseRefused.
   */
  async adopt(token: string): Promise<EdgeStream> {
    const lease = await this.verify(token);
    return this.streams.get(lease.streamId) ?? this.addAdopted(lease);
  }

  /**
   * Returns the contents of a lease. Verified offline: signature, expiry, membership version, and that its stream was not
   * stopped. Throws LeaseRefused.
   */
  async verify(token: string): Promise<Lease> {
    const lease = await verifyLease(token, this.jwks);
    this.revocations.check(lease);
    return lease;
  }

  /** Ends all streams of this node, which frees their slots, and disconnects. One that is about to begin fails as `closed`. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all([...this.streams.values()].map((stream) => stream.end()));
    this.socket.close();
  }

  private async verifyNew(token: string): Promise<Lease> {
    const lease = await verifyNewLease(token, this.jwks);
    this.revocations.check(lease);
    return lease;
  }

  /** Frees the slot of a stream that does not begin: until its lease ends, it would keep its user from another one. Does not throw. */
  private async giveBack(streamId: string): Promise<void> {
    await this.api
      .endStream(streamId)
      .catch((error: unknown) => this.streamContext.onError('ending a stream', error));
  }

  /** How old the lease is only the clock can tell. It may be wrong, and must not make the lease longer than it ever was. */
  private addAdopted(lease: Lease): EdgeStream {
    return this.addStream(lease, Math.min(lease.expiresAt - Date.now(), lifetimeOf(lease)));
  }

  private addStream(lease: Lease, remainingMs: number): EdgeStream {
    // Else nobody would end it, and it would be renewed for as long as the process runs.
    if (this.isClosed) throw new EdgeError('closed', false);
    // A stop may have arrived while the lease was verified.
    this.revocations.checkStream(lease.streamId);
    const stream = new EdgeStream(this.streamContext, lease, Math.max(0, remainingMs));
    this.streams.set(stream.streamId, stream);
    return stream;
  }

  private handleStreamEnd(stream: EdgeStream): void {
    // A stream whose lease merely expired may have been renewed elsewhere, and come back with that lease.
    if (stream.signal.reason !== 'expired') this.revocations.addStream(stream.streamId);
    this.streams.delete(stream.streamId);
  }

  private stopStream(streamId: string, reason: StopReason): void {
    this.revocations.addStream(streamId);
    this.streams.get(streamId)?.stop(reason);
  }

  private handleEntitlementChanged({ userId, version, streaming }: EntitlementChanged): void {
    if (!this.revocations.setVersion(userId, version)) return;
    for (const stream of [...this.streams.values()]) {
      if (stream.lease.userId !== userId || stream.lease.version >= version) continue;
      if (streaming) stream.renewWithin(RENEW_WITHIN_MS);
      else stream.stop('membership');
    }
  }
}

const lifetimeOf = ({ issuedAt, expiresAt }: Lease): number => expiresAt - issuedAt;
