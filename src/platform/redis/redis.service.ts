import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type Cluster, Redis } from 'ioredis';
import { CONFIG, type Config } from '../config/config.js';
import { SINGLE_SERVER, OPTIONS, SUBSCRIBER } from './redis-options.js';
import { redisCredentials, slotConnector, openCluster, type RedisClient } from './redis-cluster.js';

export interface RedisSubscriber {
  readonly client: Redis;
  /** Resolves when it listens for the first time. */
  readonly listening: Promise<void>;
}

/**
 * Connections to Redis: one server, or a cluster where REDIS_URL names several. It only hurries things: whoever uses one must
 * do without when Redis is away.
 */
@Injectable()
export class RedisService implements OnApplicationShutdown {
  private readonly log = new Logger('redis');
  private readonly opened: RedisClient[] = [];
  private readonly urls: Config['REDIS_URL'];
  private map: Cluster | undefined;

  constructor(@Inject(CONFIG) config: Config) {
    this.urls = config.REDIS_URL;
  }

  /** A connection for commands. They fail at once while Redis is away. */
  open(name: string): RedisClient {
    const options = { ...OPTIONS, connectionName: `usher-${name}` };
    return this.watched(
      name,
      this.isCluster
        ? openCluster(this.urls, options)
        : new Redis(this.urls[0], { ...options, ...SINGLE_SERVER }),
    );
  }

  /** A connection that only listens to one sharded channel ('smessage'), and does so anew after every reconnect. */
  openSubscriber(name: string, channel: string): RedisSubscriber {
    const options = { ...OPTIONS, ...SUBSCRIBER, connectionName: `usher-${name}` };
    const client = this.watched(
      name,
      this.isCluster
        ? new Redis({ ...options, ...redisCredentials(this.urls), Connector: this.home(channel) })
        : new Redis(this.urls[0], options),
    );
    const listening = new Promise<void>((resolve) => {
      const subscribe = () => client.ssubscribe(channel).then(() => resolve());
      client.on('ready', () => void subscribe().catch(() => client.disconnect(true)));
    });
    // The slot of the channel went to another server, which alone has its messages now.
    client.on('moved', () => client.disconnect(true));
    return { client, listening };
  }

  onApplicationShutdown(): void {
    for (const client of this.opened.splice(0)) client.disconnect();
  }

  private get isCluster(): boolean {
    return this.urls.length > 1;
  }

  /** All subscribers ask one connection where their channels live. */
  private home(channel: string) {
    this.map ??= this.open('map') as Cluster;
    return slotConnector(this.map, channel, this.urls);
  }

  private watched<Client extends RedisClient>(name: string, client: Client): Client {
    let away = false;
    client.on('error', (error: Error) => {
      if (!away) this.log.warn(`Redis is away (${name}): ${error.message}`);
      away = true;
    });
    client.on('ready', () => {
      if (away) this.log.log(`Redis is back (${name})`);
      away = false;
    });
    this.opened.push(client);
    return client;
  }
}
