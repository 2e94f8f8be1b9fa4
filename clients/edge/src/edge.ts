import { Api, type WantedStream } from './api.js';
import { LeaseRefused } from './errors.js';
import { KeySet } from './key-set.js';
import { type Lease, verifyLease } from './lease.js';
import { type EntitlementChanged, Link, type StreamStop } from './link.js';
import type { EdgeOptions } from './options.js';
import { Recent } from './recent.js';
import { EdgeStream, type StreamHome } from './stream.js';

/** Users and streams of which something is remembered; beyond that, leases still end by themselves. */
const MOST_REMEMBERED = 100_000;
/** Users of a plan that changed renew within this time, not all at once. */
const RENEW_WITHIN_MS = 1_000;

/** An edge node's side of Usher. One for each process that sends video. */
export class Edge {
  private readonly api: Api;
  private readonly keys: KeySet;
  private readonly link: Link;
  private readonly streams = new Map<string, EdgeStream>();
  private readonly stopped = new Recent<true>(MOST_REMEMBERED);
  /** The newest that is known of each user: nothing is decided by a lower version. */
  private readonly users = new Recent<EntitlementChanged>(MOST_REMEMBERED);
  private readonly home: StreamHome;

  constructor(options: EdgeOptions) {
    const now = () => performance.now();
    const trouble = options.onTrouble ?? (() => undefined);
    this.api = new Api(options);
    this.keys = new KeySet(options.url, now);
    this.home = {
      api: this.api,
      now,
      trouble,
      verify: (token) => this.verify(token),
      onOver: (stream) => this.forget(stream),
    };
    this.link = new Link(options, {
      trouble,
      streamIds: () => [...this.streams.keys()],
      onStop: (stop) => this.onStop(stop),
      onOver: (streamIds) => this.onOver(streamIds),
      onChanged: (changed) => this.onChanged(changed),
    });
  }

  /** Whether Usher can say "stop" at this moment. */
  get connected(): boolean {
    return this.link.connected;
  }

  /** Asks for a stream before its first byte. Throws EdgeError not_entitled, too_many_streams, unreachable, … */
  async start(wanted: WantedStream): Promise<EdgeStream> {
    const asked = this.home.now();
    const { lease: token } = await this.api.start(wanted);
    const lease = await this.verify(token);
    const livesMs = lease.expiresAt - lease.issuedAt - (this.home.now() - asked);
    return this.hold(lease, livesMs);
  }

  /**
   * Takes over a stream whose lease a player shows, and renews it from now on; the same stream again gives the same object.
   * Throws LeaseRefused.
   */
  async adopt(token: string): Promise<EdgeStream> {
    const lease = await this.verify(token);
    return this.streams.get(lease.streamId) ?? this.hold(lease, lease.expiresAt - Date.now());
  }

  /** Checks a lease offline: signature, end, version, and that its stream was not stopped. Throws LeaseRefused. */
  async verify(token: string): Promise<Lease> {
    const lease = await verifyLease(token, this.keys);
    if (this.stopped.has(lease.streamId)) throw new LeaseRefused('stopped');
    if (lease.version < (this.users.get(lease.userId)?.version ?? 0)) throw new LeaseRefused('stale');
    return lease;
  }

  /** Stops all streams here and lets go of Usher. Their slots are freed. */
  async close(): Promise<void> {
    await Promise.all([...this.streams.values()].map((stream) => stream.end()));
    this.link.close();
  }

  private hold(lease: Lease, livesMs: number): EdgeStream {
    // It was stopped while its lease was on the way.
    if (this.stopped.has(lease.streamId)) throw new LeaseRefused('stopped');
    const stream = new EdgeStream(this.home, lease, Math.max(0, livesMs));
    this.streams.set(stream.streamId, stream);
    return stream;
  }

  private forget(stream: EdgeStream): void {
    // One whose lease merely ran out may be renewed by somebody else, and come back with that lease.
    if (stream.signal.reason !== 'expired') this.stopped.set(stream.streamId, true);
    this.streams.delete(stream.streamId);
  }

  private onStop({ streamId, reason }: StreamStop): void {
    this.stopped.set(streamId, true);
    this.streams.get(streamId)?.stop(reason);
  }

  private onOver(streamIds: readonly string[]): void {
    for (const streamId of streamIds) {
      this.stopped.set(streamId, true);
      this.streams.get(streamId)?.stop('over');
    }
  }

  private onChanged(changed: EntitlementChanged): void {
    const { userId, version, streaming } = changed;
    if (version <= (this.users.get(userId)?.version ?? 0)) return;
    this.users.set(userId, changed);
    for (const stream of [...this.streams.values()]) {
      if (stream.lease.userId !== userId || stream.lease.version >= version) continue;
      if (streaming) stream.renewSoon(RENEW_WITHIN_MS);
      else stream.stop('membership');
    }
  }
}
