import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Loop } from '../platform/scheduling/loop.js';
import { MetricsService } from '../platform/metrics/metrics.service.js';
import { withTimeout } from '../platform/scheduling/timeout.js';
import type { OutgoingEvent } from '../mailbox/events/outgoing-event.js';
import { type NodeLane, NODE_LANES } from '../platform/redis/keys.js';
import { decodeEvents, decodeDisconnect, type DisconnectRequest, isDisconnect } from './node-message.js';
import { NodeChannelStore, PresenceStore } from './presence.store.js';

const BEAT_MS = 1_000;
/** A node that was silent this long counts as gone. */
const GONE_AFTER_MS = 5_000;
/** A canary that did not come back for this long: what others tell us may be lost. */
const DOUBT_AFTER_MS = 3_000;
/** Silent this long, the connections are made anew. */
const RECONNECT_AFTER_MS = 7_000;
/** Entries live for an hour in Redis (presence.store.ts), whatever their devices do. */
const REGISTER_EVERY_MS = 20 * 60_000;
const FIRST_BEAT_ATTEMPTS = 20;
const FIRST_BEAT_RETRY_MS = 100;
/** Two beats of the others, and a bit. */
const UNSEEN_MS = 2.5 * BEAT_MS;
const CANARY = 'canary';

/** What a node that holds sockets does for the others, and must do when they may not reach it. */
export interface LocalNode {
  /** The users who have a device here. */
  users(): Iterable<string>;
  /** The ids of the user's devices that are connected here. */
  connectedDevices(userId: string): string[];
  deliver(announcements: readonly OutgoingEvent[]): void;
  disconnect(ending: DisconnectRequest): void;
  /** Messages may have been lost: look into the mailbox for every device. */
  fillGaps(): Promise<void>;
}

/**
 * The fleet as this node sees it. A node sends itself a canary through Redis each second; when it does not come back, Redis
 * may have lost messages for us without telling anyone, so the mailbox is asked instead until it is well again.
 */
@Injectable()
export class NodeRegistryService implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly id = randomBytes(6).toString('hex');
  private readonly log = new Logger('nodes');
  private readonly heard: Record<NodeLane, number> = { critical: 0, other: 0 };
  /** Lanes whose connection ended, and on which no canary came since. */
  private readonly lost = new Set<NodeLane>();
  /** A connection ended since the gaps were filled last, even if it is back by now. */
  private mustFill = false;
  /** Redis did not know this node: until the others look again, they tell it nothing and think that all is told. */
  private unseenUntil = 0;
  private alive = new Set<string>();
  private lastBeat = 0;
  private duties: LocalNode | undefined;
  private doubting = false;
  private reconnectedAt = 0;
  private registeredAt = 0;
  private readonly loop = new Loop(
    BEAT_MS,
    () => this.turn(),
    (error) => this.log.warn(error),
  );

  constructor(
    private readonly presence: PresenceStore,
    private readonly channels: NodeChannelStore,
    metrics: MetricsService,
  ) {
    metrics.gauge('nodes', 'Nodes that hold sockets, as this node sees them', () => this.alive.size);
    metrics.gauge('redis_in_doubt', '1 while messages from other nodes may be lost', () =>
      Number(this.doubting),
    );
  }

  /** The nodes that may hold devices, without this one; undefined while nobody knows. */
  get others(): ReadonlySet<string> | undefined {
    return Date.now() - this.lastBeat < GONE_AFTER_MS ? this.alive : undefined;
  }

  /** The ids of the user's devices that are connected to this node. */
  connectedDevices(userId: string): string[] {
    return this.duties?.connectedDevices(userId) ?? [];
  }

  /** Joins the fleet with sockets to serve. The others know of it when this is done, if Redis is there. */
  async join(duties: LocalNode): Promise<void> {
    this.duties = duties;
    const joined = this.channels
      .listen(
        this.id,
        (lane, message) => this.receive(lane, message),
        (lane) => {
          this.lost.add(lane);
          this.mustFill = true;
        },
      )
      .then(() => this.firstHeartbeat())
      .catch((error: unknown) => this.log.warn(`joined without Redis: ${String(error)}`));
    await withTimeout(2 * BEAT_MS, joined).catch(() => undefined);
    this.loop.start();
    // The others look once a beat: until then they would not ask presence for us.
    if (this.alive.size > 0) await pause(BEAT_MS * 1.5);
  }

  /** Redis does not know all of our users: they are registered anew with the next beat. */
  requestReregistration(): void {
    this.registeredAt = 0;
  }

  /** A node without sockets watches the fleet without being in it. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.duties) return;
    await this.firstHeartbeat();
    this.loop.start();
  }

  /** A node that took events before it knows the fleet would tell nobody; without Redis it must do so all the same. */
  private async firstHeartbeat(): Promise<void> {
    for (let attempt = 0; attempt < FIRST_BEAT_ATTEMPTS; attempt += 1) {
      const heard = await this.sendHeartbeat().then(
        () => true,
        () => false,
      );
      if (heard) return;
      await pause(FIRST_BEAT_RETRY_MS);
    }
    this.log.warn('started without Redis: devices on other nodes hear from the mailbox');
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop.stop();
    if (this.duties) await withTimeout(500, this.presence.leave(this.id)).catch(() => undefined);
  }

  private async turn(): Promise<void> {
    await this.sendHeartbeat().catch(() => undefined);
    if (!this.duties) return;
    const silence = Date.now() - Math.min(...NODE_LANES.map((lane) => this.heard[lane]));
    const doubt = this.lost.size > 0 || silence > DOUBT_AFTER_MS;
    if (doubt !== this.doubting)
      this.log.warn(doubt ? 'no canary came back: the mailbox is asked instead' : 'canaries are back');
    // Once more after it is well: what was told in the last moments of the doubt.
    const fill = doubt || this.doubting || this.mustFill || Date.now() < this.unseenUntil;
    this.doubting = doubt;
    this.mustFill = false;
    if (fill) await this.duties.fillGaps();
    if (silence > RECONNECT_AFTER_MS && Date.now() - this.reconnectedAt > RECONNECT_AFTER_MS) {
      this.reconnectedAt = Date.now();
      this.channels.reconnect();
    }
  }

  private async sendHeartbeat(): Promise<void> {
    const { known, nodes } = await this.presence.heartbeat(this.duties && this.id, GONE_AFTER_MS);
    this.lastBeat = Date.now();
    this.alive = new Set(nodes.filter((id) => id !== this.id));
    if (!this.duties) return;
    if (!known) this.unseenUntil = Date.now() + UNSEEN_MS;
    if (!known || Date.now() - this.registeredAt > REGISTER_EVERY_MS) {
      this.registeredAt = Date.now();
      await this.presence.add(this.id, [...this.duties.users()]).catch((error: unknown) => {
        this.registeredAt = 0;
        throw error;
      });
    }
    await Promise.all(NODE_LANES.map((lane) => this.presence.send(this.id, lane, CANARY)));
  }

  private receive(lane: NodeLane, message: string): void {
    this.heard[lane] = Date.now();
    this.lost.delete(lane);
    if (message === CANARY) return;
    if (isDisconnect(message)) this.duties?.disconnect(decodeDisconnect(message));
    else this.duties?.deliver(decodeEvents(message));
  }
}
