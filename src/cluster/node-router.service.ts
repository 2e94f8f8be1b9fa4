import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { OutgoingEvent } from '../mailbox/events/outgoing-event.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { type NodeLane, NODE_LANES, nodeLaneOf } from '../platform/redis/keys.js';
import { TracingService } from '../platform/tracing/tracing.service.js';
import { Batcher } from '../platform/scheduling/batcher.js';
import {
  type AppliedReport,
  BROADCASTS_CHANGED,
  encodeApplied,
  encodeEvents,
  encodeDisconnect,
  type DisconnectRequest,
} from './node-message.js';
import { NodeRegistryService } from './node-registry.service.js';
import { NodeStore } from './node.store.js';
import { PresenceStore } from './presence.store.js';

/** Events that one presence lookup covers. */
const BATCH_SIZE = 1_000;

/**
 * Sends events to the other nodes that hold devices of their users. Events of the same batch share one presence lookup, and each node
 * is sent one message; a node without devices of the users is sent nothing. (docs/decisions/routing.md)
 */
@Injectable()
export class NodeRouterService {
  private readonly lanes: Record<NodeLane, Batcher<readonly OutgoingEvent[], undefined>>;
  private readonly messages: Counter<'lane'>;

  constructor(
    private readonly registry: NodeRegistryService,
    private readonly nodes: NodeStore,
    private readonly presence: PresenceStore,
    metrics: MetricsService,
    private readonly tracing: TracingService,
  ) {
    const lane = (name: NodeLane) =>
      new Batcher<readonly OutgoingEvent[], undefined>({
        runBatch: async (groups) => {
          await this.send(groups.flat(), name);
          return groups.map(() => undefined);
        },
        size: BATCH_SIZE,
        weigh: (group) => group.length,
        concurrency: 4,
        capacity: 10_000,
      });
    this.lanes = { critical: lane('critical'), other: lane('other') };
    this.messages = metrics.counter('node_messages_total', 'Messages to other nodes.', ['lane']);
  }

  /** Whether it is known which nodes hold devices. While it is not, each node reads the mailbox for its own. */
  get isReady(): boolean {
    return this.registry.others !== undefined;
  }

  /** Resolves when Redis accepted the messages for every node that holds a device of the users; throws when that is not certain. */
  async route(events: readonly OutgoingEvent[]): Promise<void> {
    if (this.otherNodes().size === 0 || events.length === 0) return;
    const only = onlyLaneOf(events);
    if (only) await this.lanes[only].add(events);
    else
      await Promise.all(
        NODE_LANES.map((lane) => this.lanes[lane].add(events.filter((event) => laneOf(event) === lane))),
      );
  }

  /** Asks the other nodes that hold the user's devices to disconnect this one, or all; throws when it is not certain that all were asked. */
  async disconnectElsewhere(request: DisconnectRequest): Promise<void> {
    const others = this.otherNodes();
    if (others.size === 0) return;
    const [nodeIds] = await this.presence.nodesOf([request.userId]);
    const message = encodeDisconnect(request);
    await Promise.all(
      recipients(others, nodeIds).map((nodeId) => this.nodes.send(nodeId, 'critical', message)),
    );
  }

  /** Tells this node and the others that hold the user's devices what one of these has applied; throws when it is not certain that all were told. */
  async tellOfApplied(report: AppliedReport): Promise<void> {
    this.registry.markAppliedHere(report);
    const others = this.otherNodes();
    if (others.size === 0) return;
    const [nodeIds] = await this.presence.nodesOf([report.userId]);
    const message = encodeApplied(report);
    await Promise.all(recipients(others, nodeIds).map((nodeId) => this.nodes.send(nodeId, 'other', message)));
  }

  /** Tells all other nodes that hold devices that the log of broadcasts has changed; throws when it is not certain that all were told. */
  async tellOfBroadcasts(): Promise<void> {
    const others = [...this.otherNodes()];
    this.messages.inc({ lane: 'other' }, others.length);
    await Promise.all(others.map((nodeId) => this.nodes.send(nodeId, 'other', BROADCASTS_CHANGED)));
  }

  private async send(events: readonly OutgoingEvent[], lane: NodeLane): Promise<void> {
    const others = this.otherNodes();
    const userIds = [...new Set(events.map(({ userId }) => userId))];
    const nodesByUser = new Map<string, readonly string[]>();
    (await this.presence.nodesOf(userIds)).forEach((nodeIds, index) =>
      nodesByUser.set(userIds[index] as string, recipients(others, nodeIds)),
    );
    const eventsByNode = new Map<string, OutgoingEvent[]>();
    for (const event of events) {
      for (const nodeId of nodesByUser.get(event.userId) ?? []) {
        const ofNode = eventsByNode.get(nodeId);
        if (ofNode) ofNode.push(event);
        else eventsByNode.set(nodeId, [event]);
      }
    }
    this.messages.inc({ lane }, eventsByNode.size);
    const send = ([nodeId, ofNode]: readonly [string, OutgoingEvent[]]) =>
      this.nodes.send(nodeId, lane, encodeEvents(ofNode));
    if (this.tracing.isOn) await this.sendTraced(eventsByNode, send);
    else await Promise.all([...eventsByNode].map(send));
  }

  /** Sends with a span in the trace of each event; the events go on in it. */
  private async sendTraced(
    eventsByNode: ReadonlyMap<string, OutgoingEvent[]>,
    send: (one: readonly [string, OutgoingEvent[]]) => Promise<unknown>,
  ): Promise<void> {
    const parents = [...eventsByNode.values()].flatMap((ofNode) => ofNode.map(({ trace }) => trace));
    const spans = this.tracing.startEach(parents, {
      name: 'route nodes',
      kind: 'producer',
      attributes: {
        'messaging.system': 'redis',
        'messaging.operation.name': 'route',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'nodes',
        'messaging.batch.message_count': parents.length,
        'usher.nodes': eventsByNode.size,
      },
    });
    const goOn = (event: OutgoingEvent) => {
      const span = event.trace === undefined ? undefined : spans.get(event.trace);
      return span ? { ...event, trace: span.context } : event;
    };
    try {
      await Promise.all([...eventsByNode].map(([nodeId, ofNode]) => send([nodeId, ofNode.map(goOn)])));
    } finally {
      spans.forEach((span) => span.end());
    }
  }

  private otherNodes(): ReadonlySet<string> {
    const { others } = this.registry;
    if (others === undefined) throw new Error('Redis is away: it is not known which nodes hold the devices');
    return others;
  }
}

const laneOf = ({ event }: OutgoingEvent): NodeLane => nodeLaneOf(event.header.tier);

/** The lane of all of the events, which is that of a single one; undefined if they are of both. */
function onlyLaneOf(events: readonly OutgoingEvent[]): NodeLane | undefined {
  const [first] = events;
  const lane = first && laneOf(first);
  return events.every((event) => laneOf(event) === lane) ? lane : undefined;
}

/**
 * The other nodes to send to. While a part of a Redis cluster is away it is not known where its users are: then every node is sent
 * the events, so that the users of the other parts do not wait.
 */
const recipients = (
  others: ReadonlySet<string>,
  nodeIds: readonly string[] | undefined,
): readonly string[] => (nodeIds === undefined ? [...others] : nodeIds.filter((id) => others.has(id)));
