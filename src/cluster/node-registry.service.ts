import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { type NodeLane, NODE_LANES } from '../platform/redis/keys.js';
import { Loop } from '../platform/scheduling/loop.js';
import { monotonicNow } from '../platform/scheduling/monotonic.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import { MessageLossDetector } from './heartbeats/message-loss-detector.js';
import { RedisClock } from './heartbeats/redis-clock.js';
import type { LocalNode } from './local-node.js';
import type { UserConnections } from './lookup/connected-device.js';
import { ConnectionLookupStore } from './lookup/connection-lookup.store.js';
import { NodeChannelStore } from './node-channel.store.js';
import {
  type AppliedReport,
  BROADCASTS_CHANGED,
  type ConnectionsQuestion,
  decodeApplied,
  decodeDisconnect,
  decodeEvents,
  decodeQuestion,
  type DisconnectRequest,
  isApplied,
  isDisconnect,
  isQuestion,
} from './node-message.js';
import { NodeRecoveryService } from './node-recovery.service.js';
import { NodeStore } from './node.store.js';

const HEARTBEAT_MS = 1_000;
/** A node without a heartbeat for this long counts as dead. */
const NODE_TIMEOUT_MS = 5_000;
/** Presence entries expire after an hour (presence.store.ts). They are renewed after 15 to 20 minutes, by each node at another time. */
const RENEW_AFTER_MS = 15 * 60_000;
const RENEW_SPREAD_MS = 5 * 60_000;
const FIRST_HEARTBEAT_ATTEMPTS = 20;
const FIRST_HEARTBEAT_RETRY_MS = 100;
/** How long another node may act on a list without this one: a list is used until the timeout. The margin is for what is on its way. */
const REDISCOVERY_MS = NODE_TIMEOUT_MS + 2 * HEARTBEAT_MS;
const CANARY = 'canary';

/**
 * The nodes as this one sees them, by heartbeats. Redis may lose messages without an error on either side. So a node sends itself a
 * canary each second; while none comes back, messages are suspected to be lost, and the mailbox is read instead. Heartbeats wait for
 * nothing else: bulk work is NodeRecoveryService's.
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
  private readonly clock = new RedisClock();
  private lastHeartbeatAt = -Infinity;
  private renewAt = 0;
  private readonly loss = new MessageLossDetector();
  /** Until then other nodes may have a list without this node: they send it nothing and count their events as delivered. */
  private undiscoveredUntil = 0;
  /** Whether messages may have been lost as of the last heartbeat. */
  private mayHaveLost = false;
  private hasHeartbeatFailed = false;

  constructor(
    private readonly nodes: NodeStore,
    private readonly recovery: NodeRecoveryService,
    private readonly channels: NodeChannelStore,
    private readonly lookups: ConnectionLookupStore,
    metrics: MetricsService,
  ) {
    metrics.gauge(
      'nodes',
      'Other nodes that hold sockets, as this node sees them.',
      'max',
      () => this.aliveNodes.size,
    );
    metrics.gauge(
      'redis_in_doubt',
      '1 while messages from other nodes may be lost: the mailbox is read each second instead, which PostgreSQL feels.',
      'max',
      () => Number(this.loss.suspectsLoss),
    );
  }

  /** The ids of the nodes that may hold devices, without this one; undefined while that is not known. */
  get others(): ReadonlySet<string> | undefined {
    return monotonicNow() - this.lastHeartbeatAt < NODE_TIMEOUT_MS ? this.aliveNodes : undefined;
  }

  /** An instant of this node's clock by the clock that all nodes share, in milliseconds. */
  sharedTime(localTime: number): number {
    return this.clock.at(localTime);
  }

  /** The ids of the user's devices that are connected to this node. */
  connectedDevices(userId: string): string[] {
    return this.localNode?.connectedDevices(userId) ?? [];
  }

  /** The connections of each of the users to this node; none on a node without sockets. */
  describeConnections(userIds: readonly string[]): UserConnections[] {
    return userIds.map((userId) => {
      const connections = this.localNode?.describeConnections(userId) ?? [];
      return { userId, devices: connections.map((one) => Object.assign({ nodeId: this.id }, one)) };
    });
  }

  /** Ends the device's connection to this node, if it has one. */
  disconnectHere(request: DisconnectRequest): void {
    this.localNode?.disconnect(request);
  }

  /** Has events that the device has applied not sent to it again, if it is connected to this node. */
  markAppliedHere(report: AppliedReport): void {
    this.localNode?.markApplied(report);
  }

  /** Joins the other nodes with sockets. Resolves when they send to this node, or when Redis is away. Never throws. */
  async join(localNode: LocalNode): Promise<void> {
    this.localNode = localNode;
    const joined = this.channels
      .subscribe(this.id, {
        onMessage: (lane, message) => this.receive(lane, message),
        onLost: (lane) => this.loss.connectionEnded(lane),
      })
      .then(() => this.sendFirstHeartbeat())
      .catch((error: unknown) => this.log.warn(`joined without Redis: ${String(error)}`));
    await withTimeout(2 * HEARTBEAT_MS, joined).catch(() => undefined);
    this.loop.start();
    this.recovery.start(this.id, localNode);
    // The others read the list of nodes with each heartbeat; until then they do not send to this node.
    if (this.aliveNodes.size > 0) await pause(HEARTBEAT_MS * 1.5);
  }

  /** Redis may lack users of this node: registers all of them again, soon. */
  requestReregistration(): void {
    this.recovery.requestRegistration();
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
    const now = monotonicNow();
    const { suspectsLoss } = this.loss;
    const mayHaveLost =
      this.loss.check(now) || this.recovery.isPresenceIncomplete || now < this.undiscoveredUntil;
    if (this.loss.suspectsLoss !== suspectsLoss)
      this.log.warn(suspectsLoss ? 'canaries are back' : 'no canary came back: the mailbox is read instead');
    // Also once after the suspicion ends, for what was sent in its last moments.
    if (mayHaveLost || this.mayHaveLost) this.recovery.requestGapFilling();
    this.mayHaveLost = mayHaveLost;
    if (this.loss.mustReconnect(now)) this.channels.reconnect();
  }

  private async sendHeartbeat(): Promise<void> {
    const askedAt = Date.now();
    const { known, nodes, redisTime } = await this.nodes
      .heartbeat(this.localNode && this.id, NODE_TIMEOUT_MS)
      .catch((error: unknown) => {
        this.hasHeartbeatFailed = true;
        throw error;
      });
    this.clock.add({ askedAt, answeredAt: Date.now(), redisTime });
    this.lastHeartbeatAt = monotonicNow();
    this.aliveNodes = new Set(nodes.filter((id) => id !== this.id));
    if (!this.localNode) return;
    // The response that said so may have been lost with the heartbeat before.
    const isForgotten = !known || this.hasHeartbeatFailed;
    this.hasHeartbeatFailed = false;
    if (isForgotten) {
      this.undiscoveredUntil = monotonicNow() + REDISCOVERY_MS;
      this.recovery.restartRegistration();
    } else if (monotonicNow() > this.renewAt) this.recovery.requestRenewal();
    if (isForgotten || monotonicNow() > this.renewAt)
      this.renewAt = monotonicNow() + RENEW_AFTER_MS + Math.random() * RENEW_SPREAD_MS;
    await Promise.all(NODE_LANES.map((lane) => this.nodes.send(this.id, lane, CANARY)));
  }

  /** Never throws: it is called by the connection, and an error there ends the process. */
  private receive(lane: NodeLane, message: string): void {
    this.loss.received(lane, monotonicNow());
    if (message === CANARY) return;
    try {
      if (isDisconnect(message)) this.localNode?.disconnect(decodeDisconnect(message));
      else if (message === BROADCASTS_CHANGED) this.localNode?.refreshBroadcasts();
      else if (isApplied(message)) this.localNode?.markApplied(decodeApplied(message));
      else if (isQuestion(message)) this.answer(decodeQuestion(message));
      else this.localNode?.deliver(decodeEvents(message));
    } catch (error) {
      // What it was about is read from the mailbox.
      this.loss.messageFailed();
      this.log.error(`a message of another node failed: ${String(error)}`);
    }
  }
  /** Whoever asked gives up by itself. */
  private answer({ userIds, questionId }: ConnectionsQuestion): void {
    this.lookups
      .answer(questionId, this.describeConnections(userIds))
      .catch((error: unknown) => this.log.debug(`a question was not answered: ${String(error)}`));
  }
}
