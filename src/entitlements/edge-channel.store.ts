import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { INSTALLATION } from '../platform/postgres/installation.js';
import type { RedisLink } from '../platform/redis-cluster.js';
import { RedisLinks } from '../platform/redis.js';
import type { EdgeNews } from './edge-notice.js';

/**
 * Between nodes: what edge nodes must learn. One channel for all: memberships change some thousand times an hour in the largest
 * fleet, and every node needs each stop, since a refusal beats grace wherever the edge node asks next. It only hurries: what
 * is lost here is found in PostgreSQL.
 */
@Injectable()
export class EdgeChannel {
  private readonly log = new Logger('edges');
  private readonly origin = randomBytes(6).toString('hex');
  private readonly listeners: ((news: EdgeNews) => void)[] = [];
  private readonly channel: string;
  private readonly publisher: RedisLink;

  constructor(links: RedisLinks, @Inject(INSTALLATION) installation: string) {
    this.channel = `usher:${installation}:edges`;
    this.publisher = links.open('edges');
    const { client } = links.openSubscriber('edges-subscriber', this.channel);
    client.on('smessage', (_channel: string, message: string) => this.hear(message));
  }

  /** Called for what this and every other node announces. Must not throw and must not wait. */
  onNews(listener: (news: EdgeNews) => void): void {
    this.listeners.push(listener);
  }

  /** After the commit. */
  announce(news: EdgeNews): void {
    this.tell(news);
    this.publisher
      .spublish(this.channel, JSON.stringify({ origin: this.origin, news }))
      .catch((error: unknown) => this.log.debug(`the other nodes hear later: ${String(error)}`));
  }

  private hear(message: string): void {
    const { origin, news } = JSON.parse(message) as { origin: string; news: EdgeNews };
    if (origin !== this.origin) this.tell(news);
  }

  private tell(news: EdgeNews): void {
    for (const listener of this.listeners) listener(news);
  }
}
