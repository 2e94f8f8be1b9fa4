import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { OutgoingEvent } from '../mailbox/events/outgoing-event.js';
import { Batcher } from '../platform/scheduling/batcher.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { type NodeLane, NODE_LANES, nodeLaneOf } from '../platform/redis/keys.js';
import { encodeEvents, encodeDisconnect, type DisconnectRequest } from './node-message.js';
import { NodeRegistryService } from './node-registry.service.js';
import { PresenceStore } from './presence.store.js';

const UNKNOWN = 'Redis is away: nobody knows where the devices are';
/** Events that one look at presence covers. */
const SIZE = 1_000;

/**
 * From this node to the others that hold the users' devices: presence is asked once for all events of a turn, and each node
 * gets one message. A node without the users' devices gets none. (docs/decisions/routing.md)
 */
@Injectable()
export class NodeRouterService {
  private readonly lanes: Record<NodeLane, Batcher<readonly OutgoingEvent[], undefined>>;
  private readonly messages: Counter<'lane'>;

  constructor(
    private readonly nodes: NodeRegistryService,
    private readonly presence: PresenceStore,
    metrics: MetricsService,
  ) {
    const lane = (name: NodeLane) =>
      new Batcher<readonly OutgoingEvent[], undefined>({
        runBatch: async (groups) => {
          await this.send(groups.flat(), name);
          return groups.map(() => undefined);
        },
        size: SIZE,
        weigh: (group) => group.length,
        concurrency: 4,
        capacity: 10_000,
      });
    this.lanes = { critical: lane('critical'), other: lane('other') };
    this.messages = metrics.counter('node_messages_total', 'Messages to other nodes', ['lane']);
  }

  /** Resolves when every node that holds a device of the users was told; throws when that is not sure. */
  async route(announcements: readonly OutgoingEvent[]): Promise<void> {
    const { others } = this.nodes;
    if (others?.size === 0) return;
    if (others === undefined) throw new Error(UNKNOWN);
    await Promise.all(
      NODE_LANES.map((lane) => {
        const some = announcements.filter(({ event }) => nodeLaneOf(event.header.tier) === lane);
        return some.length > 0 && this.lanes[lane].add(some);
      }),
    );
  }

  /** Has a device ended on the other nodes that hold its user's devices; throws when that is not sure. */
  async disconnectElsewhere(ending: DisconnectRequest): Promise<void> {
    const { others } = this.nodes;
    if (others?.size === 0) return;
    if (others === undefined) throw new Error(UNKNOWN);
    const [nodeIds] = await this.presence.nodesOf([ending.userId]);
    const message = encodeDisconnect(ending);
    await Promise.all(
      among(others, nodeIds).map((nodeId) => this.presence.send(nodeId, 'critical', message)),
    );
  }

  private async send(announcements: readonly OutgoingEvent[], lane: NodeLane): Promise<void> {
    const { others } = this.nodes;
    if (others === undefined) throw new Error(UNKNOWN);
    const userIds = [...new Set(announcements.map(({ userId }) => userId))];
    const nodesOf = new Map<string, readonly string[]>();
    (await this.presence.nodesOf(userIds)).forEach((ids, index) =>
      nodesOf.set(userIds[index] as string, among(others, ids)),
    );
    const messages = new Map<string, OutgoingEvent[]>();
    for (const announcement of announcements) {
      for (const nodeId of nodesOf.get(announcement.userId) ?? []) {
        const message = messages.get(nodeId);
        if (message) message.push(announcement);
        else messages.set(nodeId, [announcement]);
      }
    }
    this.messages.inc({ lane }, messages.size);
    await Promise.all(
      [...messages].map(([nodeId, message]) => this.presence.send(nodeId, lane, encodeEvents(message))),
    );
  }
}

/**
 * The other nodes to tell about a user. While one part of a cluster is away nobody knows where its users are: then all are
 * told, so that the users of the other parts do not wait behind them.
 */
const among = (others: ReadonlySet<string>, nodeIds: readonly string[] | undefined): readonly string[] =>
  nodeIds === undefined ? [...others] : nodeIds.filter((id) => others.has(id));
