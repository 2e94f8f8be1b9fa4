import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Announcement } from '../mailbox/announcement.js';
import { Batcher } from '../platform/batcher.js';
import { Metrics } from '../platform/metrics.js';
import { type Lane, LANES, laneOf } from './keys.js';
import { encode, encodeEnding, type Ending } from './message.js';
import { Nodes } from './nodes.service.js';
import { PresenceStore } from './presence.store.js';

const UNKNOWN = 'Redis is away: nobody knows where the devices are';
/** Events that one look at presence covers. */
const SIZE = 1_000;

/**
 * From this node to the others that hold the users' devices: presence is asked once for all events of a turn, and each node
 * gets one message. A node without the users' devices gets none. (docs/decisions/routing.md)
 */
@Injectable()
export class Router {
  private readonly lanes: Record<Lane, Batcher<readonly Announcement[], undefined>>;
  private readonly messages: Counter<'lane'>;

  constructor(
    private readonly nodes: Nodes,
    private readonly presence: PresenceStore,
    metrics: Metrics,
  ) {
    const lane = (name: Lane) =>
      new Batcher<readonly Announcement[], undefined>({
        act: async (groups) => {
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
  async route(announcements: readonly Announcement[]): Promise<void> {
    const { others } = this.nodes;
    if (others?.size === 0) return;
    if (others === undefined) throw new Error(UNKNOWN);
    await Promise.all(
      LANES.map((lane) => {
        const some = announcements.filter(({ event }) => laneOf(event.heading.tier) === lane);
        return some.length > 0 && this.lanes[lane].add(some);
      }),
    );
  }

  /** Has a device ended on the other nodes that hold its user's devices; throws when that is not sure. */
  async end(ending: Ending): Promise<void> {
    const { others } = this.nodes;
    if (others?.size === 0) return;
    if (others === undefined) throw new Error(UNKNOWN);
    const [nodeIds] = await this.presence.nodesOf([ending.userId]);
    const message = encodeEnding(ending);
    await Promise.all(
      among(others, nodeIds).map((nodeId) => this.presence.send(nodeId, 'critical', message)),
    );
  }

  private async send(announcements: readonly Announcement[], lane: Lane): Promise<void> {
    const { others } = this.nodes;
    if (others === undefined) throw new Error(UNKNOWN);
    const userIds = [...new Set(announcements.map(({ userId }) => userId))];
    const nodesOf = new Map<string, readonly string[]>();
    (await this.presence.nodesOf(userIds)).forEach((ids, index) =>
      nodesOf.set(userIds[index] as string, among(others, ids)),
    );
    const messages = new Map<string, Announcement[]>();
    for (const announcement of announcements) {
      for (const nodeId of nodesOf.get(announcement.userId) ?? []) {
        const message = messages.get(nodeId);
        if (message) message.push(announcement);
        else messages.set(nodeId, [announcement]);
      }
    }
    this.messages.inc({ lane }, messages.size);
    await Promise.all(
      [...messages].map(([nodeId, message]) => this.presence.send(nodeId, lane, encode(message))),
    );
  }
}

/**
 * The other nodes to tell about a user. While one part of a cluster is away nobody knows where its users are: then all are
 * told, so that the users of the other parts do not wait behind them.
 */
const among = (others: ReadonlySet<string>, nodeIds: readonly string[] | undefined): readonly string[] =>
  nodeIds === undefined ? [...others] : nodeIds.filter((id) => others.has(id));
