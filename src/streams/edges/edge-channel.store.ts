import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { INSTALLATION } from '../../platform/postgres/installation.js';
import type { RedisClient } from '../../platform/redis/redis-cluster.js';
import { RedisService } from '../../platform/redis/redis.service.js';
import { redisKeys } from '../../platform/redis/keys.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { type EdgeBroadcast, edgeBroadcast } from './edge-notice.js';

/**
 * Carries edge broadcasts to all nodes over one Redis channel. One is enough: even the largest installation has a few
 * thousand membership changes an hour. And every node needs each stop, because a refusal must beat the grace wherever
 * the edge node asks next. A broadcast that Redis loses is found in PostgreSQL by the next catch-up.
 */
@Injectable()
export class EdgeChannelStore {
  private readonly log = new Logger('edges');
  /** Names this process, so that it ignores its own messages. */
  private readonly origin = randomBytes(6).toString('hex');
  private readonly channel: string;
  private readonly publisher: RedisClient;

  constructor(
    private readonly bus: EventBusService,
    redis: RedisService,
    @Inject(INSTALLATION) installation: string,
  ) {
    this.channel = redisKeys(installation).edges;
    this.publisher = redis.createClient('edges');
    const { client } = redis.createSubscriber('edges-subscriber', this.channel);
    client.on('smessage', (_channel: string, message: string) => this.receive(message));
  }

  /** Publishes on this node at once and on the others through Redis. Call it after the commit. */
  publish(broadcast: EdgeBroadcast): void {
    this.bus.publish(edgeBroadcast, broadcast);
    this.publisher
      .spublish(this.channel, JSON.stringify({ origin: this.origin, news: broadcast }))
      .catch((error: unknown) =>
        this.log.debug(`the other nodes find the notices in PostgreSQL: ${String(error)}`),
      );
  }

  /** Never throws: it is called by the connection, and an error there ends the process. */
  private receive(message: string): void {
    try {
      const { origin, news: broadcast } = JSON.parse(message) as { origin: string; news: EdgeBroadcast };
      if (origin !== this.origin) this.bus.publish(edgeBroadcast, broadcast);
    } catch (error) {
      this.log.error(`a message that cannot be read: ${String(error)}`);
    }
  }
}
