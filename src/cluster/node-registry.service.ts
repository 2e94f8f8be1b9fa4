import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { OutgoingEvent } from '../mailbox/events/outgoing-event.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { type NodeLane, NODE_LANES } from '../platform/redis/keys.js';
import { Loop } from '../platform/scheduling/loop.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import { NodeChannelStore } from './node-channel.store.js';
import { decodeEvents, decodeDisconnect, type DisconnectRequest, isDisconnect } from './node-message.js';
import { NodeStore } from './node.store.js';
import { PresenceStore } from './presence.store.js';

const HEARTBEAT_MS = 1_000;
/** A node without a heartbeat for this long counts as dead. */
const NODE_TIMEOUT_MS = 5_000;
/** Without a canary for this long, messages of other nodes may be lost. */
const CANARY_TIMEOUT_MS = 3_000;
/** Without a message for this long, the subscriptions are connected again. */
const RECONNECT_AFTER_MS = 7_000;
/** Presence entries expire after an hour (presence.store.ts). */
const REGISTER_EVERY_MS = 20 * 60_000;
const FIRST_HEARTBEAT_ATTEMPTS = 20;
const FIRST_HEARTBEAT_RETRY_MS = 100;
/** How long another node may act on a list without this one: a list is used until the timeout. The margin is for what is on its way. */
const REDISCOVERY_MS = NODE_TIMEOUT_MS + 2 * HEARTBEAT_MS;
const CANARY = 'canary';

/** What a node with sockets implements for the others, and for the case that they cannot reach it. */
export interface LocalNode {
  /** The ids of the users who have a device here. */
  users(): Iterable<string>;
  /** The ids of the user's devices that are connected here. */
  connectedDevices(userId: string): string[];
  /** Delivers events from other nodes to the devices that are connected here. */
  deliver(events: readonly OutgoingEvent[]): void;
  /** Disconnects a device, if it is connected here. */
  disconnect(request: DisconnectRequest): void;
  /** Messages may have been lost: reads the mailbox for every device that is behind it. */
  fillGaps(): Promise<void>;
}

/**
 * The nodes as this one sees them, by heartbeats. Redis may lose messages without an error on either side. So a node sends itself a
 * canary each second; while none comes back, messages are suspected to be lost, and the mailbox is read instead.
 */
@Injectable()
export class NodeRegistryService implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly id = randomBytes(6).toString('hex');
  private readonly log = new Logger('nodes');
  private readonly loop = new Loop(
    HEARTBEAT_MS,
    () => this.runOnce(),
    (error) => this.log.warn(error),
  );
  /** Undefined on a node without sockets. */
  private localNode: LocalNode | undefined;
  private aliveNodes = new Set<string>();
  private lastHeartbeatAt = 0;
  private registeredAt = 0;
  private readonly lastMessageAt: Record<NodeLane, number> = { critical: 0, other: 0 };
  /** Lanes whose connection ended and which have received nothing since. */
  private readonly lostLanes = new Set<NodeLane>();
  /** A connection ended since the last look into the mailbox, even if it is back by now. */
  private connectionEnded = false;
  /** Until then other nodes may have a list without this node: they send it nothing and count their events as delivered. */
  private undiscoveredUntil = 0;
  private suspectsLoss = false;
  private reconnectedAt = 0;

  constructor(
    private readonly nodes: NodeStore,
    private readonly presence: PresenceStore,
    private readonly channels: NodeChannelStore,
    metrics: MetricsService,
  ) {
    metrics.gauge('nodes', 'Nodes that hold sockets, as this node sees them', () => this.aliveNodes.size);
    metrics.gauge('redis_in_doubt', '1 while messages from other nodes may be lost', () =>
      Number(this.suspectsLoss),
    );
  }

  /** The ids of the nodes that may hold devices, without this one; undefined while that is not known. */
  get others(): ReadonlySet<string> | undefined {
    return Date.now() - this.lastHeartbeatAt < NODE_TIMEOUT_MS ? this.aliveNodes : undefined;
  }

  /** The ids of the user's devices that are connected to this node. */
  connectedDevices(userId: string): string[] {
    return this.localNode?.connectedDevices(userId) ?? [];
  }

  /** Joins the other nodes with sockets. Resolves when they send to this node, or when Redis is away. Never throws. */
  async join(localNode: LocalNode): Promise<void> {
    this.localNode = localNode;
    const joined = this.channels
      .subscribe(this.id, {
        onMessage: (lane, message) => this.receive(lane, message),
        onLost: (lane) => {
          this.lostLanes.add(lane);
          this.connectionEnded = true;
        },
      })
      .then(() => this.sendFirstHeartbeat())
      .catch((error: unknown) => this.log.warn(`joined without Redis: ${String(error)}`));
    await withTimeout(2 * HEARTBEAT_MS, joined).catch(() => undefined);
    this.loop.start();
    // The others read the list of nodes with each heartbeat; until then they do not send to this node.
    if (this.aliveNodes.size > 0) await pause(HEARTBEAT_MS * 1.5);
  }

  /** Redis may lack users of this node: registers all of them again with the next heartbeat. */
  requestReregistration(): void {
    this.registeredAt = 0;
  }

  /** A node without sockets reads which nodes are alive without being one of them. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.localNode) return;
    await this.sendFirstHeartbeat();
    this.loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    if (this.localNode) await withTimeout(500, this.nodes.leave(this.id)).catch(() => undefined);
  }

  /** A node that accepted events before it knows the others would send them to nobody. It starts without Redis all the same. */
  private async sendFirstHeartbeat(): Promise<void> {
    for (let attempt = 0; attempt < FIRST_HEARTBEAT_ATTEMPTS; attempt += 1) {
      const sent = await this.sendHeartbeat().then(
        () => true,
        () => false,
      );
      if (sent) return;
      await pause(FIRST_HEARTBEAT_RETRY_MS);
    }
    this.log.warn('started without Redis: devices on other nodes get their events from the mailbox');
  }

  private async runOnce(): Promise<void> {
    await this.sendHeartbeat().catch(() => undefined);
    if (!this.localNode) return;
    const silentMs = Date.now() - Math.min(...NODE_LANES.map((lane) => this.lastMessageAt[lane]));
    const suspectsLoss = this.lostLanes.size > 0 || silentMs > CANARY_TIMEOUT_MS;
    if (suspectsLoss !== this.suspectsLoss)
      this.log.warn(suspectsLoss ? 'no canary came back: the mailbox is read instead' : 'canaries are back');
    // Also once after the suspicion ends, for what was sent in its last moments.
    const mayHaveLost =
      suspectsLoss || this.suspectsLoss || this.connectionEnded || Date.now() < this.undiscoveredUntil;
    this.suspectsLoss = suspectsLoss;
    this.connectionEnded = false;
    if (mayHaveLost) await this.localNode.fillGaps();
    if (silentMs > RECONNECT_AFTER_MS && Date.now() - this.reconnectedAt > RECONNECT_AFTER_MS) {
      this.reconnectedAt = Date.now();
      this.channels.reconnect();
    }
  }

  private async sendHeartbeat(): Promise<void> {
    const { known, nodes } = await this.nodes.heartbeat(this.localNode && this.id, NODE_TIMEOUT_MS);
    this.lastHeartbeatAt = Date.now();
    this.aliveNodes = new Set(nodes.filter((id) => id !== this.id));
    if (!this.localNode) return;
    if (!known) this.undiscoveredUntil = Date.now() + REDISCOVERY_MS;
    if (!known || Date.now() - this.registeredAt > REGISTER_EVERY_MS)
      await this.registerUsers(this.localNode.users());
    await Promise.all(NODE_LANES.map((lane) => this.nodes.send(this.id, lane, CANARY)));
  }

  private async registerUsers(userIds: Iterable<string>): Promise<void> {
    this.registeredAt = Date.now();
    await this.presence.add(this.id, [...userIds]).catch((error: unknown) => {
      this.registeredAt = 0;
      throw error;
    });
  }

  private receive(lane: NodeLane, message: string): void {
    this.lastMessageAt[lane] = Date.now();
    this.lostLanes.delete(lane);
    if (message === CANARY) return;
    if (isDisconnect(message)) this.localNode?.disconnect(decodeDisconnect(message));
    else this.localNode?.deliver(decodeEvents(message));
  }
}
