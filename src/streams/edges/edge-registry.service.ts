import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { edgeBroadcast, type EdgeBroadcast, type EdgeNotice, edgeNotice } from './edge-notice.js';
import { EdgeNoticeStore } from './edge-notice.store.js';

/** A connected edge node, however it is connected. */
export interface EdgeConnection {
  readonly edgeId: string;
  /** The service key it came with. */
  readonly keyId: string;
  readonly connected: boolean;
  /** Whether it was acknowledged in time. */
  send(told: EdgeNotice): Promise<boolean>;
  close(): void;
}

/** Notices that may be under way to one node; the rest waits in PostgreSQL. */
const MAX_UNDER_WAY = 1_000;
/** Acknowledged lately: a look at PostgreSQL that began before must not tell them again. */
const MAX_ACKNOWLEDGED = 10_000;
const NOT_KEPT = '';

/** The edge nodes that are connected here, and what they are being told: again and again until they acknowledge it. */
@Injectable()
export class EdgeRegistryService {
  private readonly log = new Logger('edges');
  private readonly lines = new Map<EdgeConnection, Map<string, EdgeNotice>>();
  private readonly acknowledged = new LRUCache<string, true>({ max: MAX_ACKNOWLEDGED });
  private readonly settling = new Batcher<EdgeNotice, undefined>({
    runBatch: async (notices) => {
      await this.notices.settle(notices);
      return notices.map(() => undefined);
    },
    size: 500,
    concurrency: 1,
    capacity: 10_000,
  });

  constructor(
    private readonly notices: EdgeNoticeStore,
    bus: EventBusService,
    metrics: MetricsService,
  ) {
    bus.subscribe(edgeBroadcast, (broadcast) => this.broadcast(broadcast));
    metrics.gauge('edges', 'Edge nodes that are connected to this node', () => this.lines.size);
  }

  get connected(): readonly EdgeConnection[] {
    return [...this.lines.keys()];
  }

  /** It came: what it has not acknowledged is told at once. */
  async add(line: EdgeConnection): Promise<void> {
    this.lines.set(line, new Map());
    await this.catchUp([line.edgeId]).catch((error: unknown) =>
      this.log.warn(`an edge node hears later: ${String(error)}`),
    );
  }

  remove(line: EdgeConnection): void {
    this.lines.delete(line);
  }

  /** Tells these nodes what PostgreSQL keeps for them. */
  async catchUp(edgeIds: readonly string[]): Promise<void> {
    if (edgeIds.length === 0) return;
    for (const told of await this.notices.pending(edgeIds, MAX_UNDER_WAY)) {
      if (!this.acknowledged.has(told.id)) this.sendToEdge(told);
    }
  }

  private broadcast({ notices, everyone }: EdgeBroadcast): void {
    for (const told of notices) this.sendToEdge(told);
    if (!everyone) return;
    for (const line of this.lines.keys()) {
      // Those that carry a stream have a notice of their own, which is kept.
      if (notices.some(({ type, edgeId }) => type === 'entitlement.changed' && edgeId === line.edgeId))
        continue;
      void this.sendUntilAcknowledged(
        line,
        edgeNotice(NOT_KEPT, line.edgeId, { type: 'entitlement.changed', data: everyone }),
      );
    }
  }

  private sendToEdge(told: EdgeNotice): void {
    for (const line of this.lines.keys())
      if (line.edgeId === told.edgeId) void this.sendUntilAcknowledged(line, told);
  }

  private async sendUntilAcknowledged(line: EdgeConnection, told: EdgeNotice): Promise<void> {
    const underWay = this.lines.get(line);
    const other = underWay?.get(told.key);
    if (!underWay || (other && other.id === told.id && told.id !== NOT_KEPT)) return;
    if (underWay.size >= MAX_UNDER_WAY) return;
    underWay.set(told.key, told);
    // A newer notice with the same key takes over from this one.
    while (line.connected && this.lines.has(line) && underWay.get(told.key) === told) {
      if (await line.send(told)) return this.settle(underWay, told);
    }
  }

  private settle(underWay: Map<string, EdgeNotice>, told: EdgeNotice): void {
    if (underWay.get(told.key) === told) underWay.delete(told.key);
    if (told.id === NOT_KEPT) return;
    this.acknowledged.set(told.id, true);
    this.settling.addAndForget(told);
  }
}
