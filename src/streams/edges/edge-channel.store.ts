import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { INSTALLATION } from '../../platform/postgres/installation.js';
import type { RedisClient } from '../../platform/redis/redis-cluster.js';
import { RedisService } from '../../platform/redis/redis.service.js';
import { redisKeys } from '../../platform/redis/keys.js';
import { EventBusService } from '../../platform/events/event-bus.service.js';
import { type EdgeBroadcast, edgeBroadcast } from './edge-notice.js';

/**
 * Between nodes: what edge nodes must learn. One channel for all: memberships change some thousand times an hour in the largest
 * fleet, and every node needs each stop, since a refusal beats grace wherever the edge node asks next. It only hurries: what
 * is lost here is found in PostgreSQL.
 */
@Injectable()
export class EdgeChannelStore {
  private readonly log = new Logger('edges');
  private readonly origin = randomBytes(6).toString('hex');
  private readonly channel: string;
  private readonly publisher: RedisClient;

  constructor(
    private readonly bus: EventBusService,
    links: RedisService,
    @Inject(INSTALLATION) installation: string,
  ) {
    this.channel = redisKeys(installation).edges;
    this.publisher = links.createClient('edges');
    const { client } = links.createSubscriber('edges-subscriber', this.channel);
    client.on('smessage', (_channel: string, message: string) => this.receive(message));
  }

  /** After the commit. */
  publish(news: EdgeBroadcast): void {
    this.bus.publish(edgeBroadcast, news);
    this.publisher
      .spublish(this.channel, JSON.stringify({ origin: this.origin, news }))
      .catch((error: unknown) => this.log.debug(`the other nodes hear later: ${String(error)}`));
  }

  private receive(message: string): void {
    const { origin, news } = JSON.parse(message) as { origin: string; news: EdgeBroadcast };
    if (origin !== this.origin) this.bus.publish(edgeBroadcast, news);
  }
}
