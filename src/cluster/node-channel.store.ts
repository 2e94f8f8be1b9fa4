import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { INSTALLATION } from '../platform/postgres/installation.js';
import { type NodeLane, NODE_LANES, redisKeys } from '../platform/redis/keys.js';
import { RedisService } from '../platform/redis/redis.service.js';

/** What to do with what comes in for a node. */
export interface NodeChannelListener {
  readonly onMessage: (lane: NodeLane, message: string) => void;
  /** A connection ended: what is sent until it is back is lost, and neither side is told. */
  readonly onLost: (lane: NodeLane) => void;
}

/** This node's subscription to the messages of the others, one connection a lane. */
@Injectable()
export class NodeChannelStore {
  private readonly keys: ReturnType<typeof redisKeys>;
  private subscribers: Redis[] = [];

  constructor(
    private readonly redis: RedisService,
    @Inject(INSTALLATION) installation: string,
  ) {
    this.keys = redisKeys(installation);
  }

  /** Calls the listener from now on, after every reconnect too. Resolves when all lanes are subscribed. */
  async subscribe(nodeId: string, { onMessage, onLost }: NodeChannelListener): Promise<void> {
    await Promise.all(
      NODE_LANES.map(async (lane) => {
        const channel = this.keys.channel(nodeId, lane);
        const { client, listening } = this.redis.createSubscriber(`${lane}-subscriber`, channel);
        this.subscribers.push(client);
        client.on('close', () => onLost(lane));
        client.on('smessage', (_channel: string, message: string) => onMessage(lane, message));
        await listening;
      }),
    );
  }

  /** Closes the connections and opens new ones: one whose packets are silently dropped never closes by itself. */
  reconnect(): void {
    for (const subscriber of this.subscribers) subscriber.disconnect(true);
  }
}
