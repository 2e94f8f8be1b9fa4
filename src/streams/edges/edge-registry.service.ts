import { Injectable, Logger } from '@nestjs/common';
import { growingCache } from '../../platform/growing-cache.js';
import { isOutage } from '../../platform/postgres/outage.js';
import { NodeFactsService } from '../../platform/node-facts.service.js';
import { Batcher } from '../../platform/scheduling/batcher.js';
import { MetricsService } from '../../platform/metrics/metrics.service.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { edgeBroadcast, type EdgeBroadcast, type EdgeNotice, edgeNotice } from './edge-notice.js';
import { EdgeNoticeStore } from './edge-notice.store.js';

/** A connection of an edge node to this node. */
export interface EdgeConnection {
  readonly edgeId: string;
  /** The id of the service key that it authenticated with. */
  readonly keyId: string;
  readonly since: Date;
  readonly connected: boolean;
  /** Resolves with whether the edge node acknowledged the notice in time; never rejects. */
  send(notice: EdgeNotice): Promise<boolean>;
  close(): void;
}

/** Notices in flight on one connection; the others wait in PostgreSQL until these are acknowledged. */
const MAX_IN_FLIGHT = 1_000;
/**
 * Ids of acknowledged notices that are remembered: a catch-up whose query began before their deletion must not send
 * them again.
 */
const MAX_ACKNOWLEDGED = 10_000;
/** Connections that a node lists; all are counted. */
const MAX_LISTED = 500;
/** The id of a notice that is not stored. */
const NOT_STORED = '';

/** The edge nodes that are connected to this node. Sends them their notices, again and again until each is acknowledged. */
@Injectable()
export class EdgeRegistryService {
  private readonly log = new Logger('edges');
  /** The notices in flight on each connection, by their keys. */
  private readonly connections = new Map<EdgeConnection, Map<string, EdgeNotice>>();
  private readonly acknowledged = growingCache<true>(MAX_ACKNOWLEDGED);
  private readonly settlements = new Batcher<EdgeNotice, undefined>({
    runBatch: async (notices) => {
      await this.notices.settle(notices);
      return notices.map(() => undefined);
    },
    size: 500,
    concurrency: 1,
    capacity: 10_000,
    isolate: (error) => !isOutage(error),
  });

  constructor(
    private readonly notices: EdgeNoticeStore,
    bus: EventBusService,
    metrics: MetricsService,
    facts: NodeFactsService,
  ) {
    bus.subscribe(edgeBroadcast, (broadcast) => this.broadcast(broadcast));
    metrics.gauge(
      'edges',
      'Edge nodes that are connected to this node; 0 where there should be some: stops wait for the end of the lease.',
      'sum',
      () => this.connections.size,
    );
    facts.add('edges', () => this.connections.size);
    facts.add('edgeConnections', () =>
      this.connected.slice(0, MAX_LISTED).map(({ edgeId, since }) => ({ edgeId, since })),
    );
  }

  get connected(): readonly EdgeConnection[] {
    return [...this.connections.keys()];
  }

  /** Registers a new connection and sends the notices that its edge node has not acknowledged. */
  async add(connection: EdgeConnection): Promise<void> {
    this.connections.set(connection, new Map());
    await this.catchUp([connection.edgeId]).catch((error: unknown) =>
      this.log.warn(`an edge node gets its notices with the next catch-up: ${String(error)}`),
    );
  }

  remove(connection: EdgeConnection): void {
    this.connections.delete(connection);
  }

  /** Sends these edge nodes the notices that PostgreSQL has for them. */
  async catchUp(edgeIds: readonly string[]): Promise<void> {
    if (edgeIds.length === 0) return;
    for (const notice of await this.notices.pending(edgeIds, MAX_IN_FLIGHT)) {
      // Its deletion failed, as in an outage: acknowledged notices that stay would take the places of newer ones.
      if (this.acknowledged.has(notice.id)) this.settlements.addAndForget(notice);
      else this.sendToEdge(notice);
    }
  }

  private broadcast({ notices, everyone }: EdgeBroadcast): void {
    for (const notice of notices) this.sendToEdge(notice);
    if (!everyone) return;
    for (const connection of this.connections.keys()) {
      // An edge node that carries a stream of the user gets a stored notice of the same change instead.
      if (notices.some(({ type, edgeId }) => type === 'entitlement.changed' && edgeId === connection.edgeId))
        continue;
      void this.sendUntilAcknowledged(
        connection,
        edgeNotice(NOT_STORED, connection.edgeId, { type: 'entitlement.changed', data: everyone }),
      );
    }
  }

  private sendToEdge(notice: EdgeNotice): void {
    for (const connection of this.connections.keys())
      if (connection.edgeId === notice.edgeId) void this.sendUntilAcknowledged(connection, notice);
  }

  private async sendUntilAcknowledged(connection: EdgeConnection, notice: EdgeNotice): Promise<void> {
    const inFlight = this.connections.get(connection);
    const other = inFlight?.get(notice.key);
    if (!inFlight || (other && other.id === notice.id && notice.id !== NOT_STORED)) return;
    if (inFlight.size >= MAX_IN_FLIGHT) return;
    inFlight.set(notice.key, notice);
    // Ends without an acknowledgement when a newer notice with the same key has replaced this one.
    while (connection.connected && this.connections.has(connection) && inFlight.get(notice.key) === notice) {
      if (await connection.send(notice)) return this.settle(inFlight, notice);
    }
  }

  private settle(inFlight: Map<string, EdgeNotice>, notice: EdgeNotice): void {
    if (inFlight.get(notice.key) === notice) inFlight.delete(notice.key);
    if (notice.id === NOT_STORED) return;
    this.acknowledged.set(notice.id, true);
    this.settlements.addAndForget(notice);
  }
}
