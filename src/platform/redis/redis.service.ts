import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type Cluster, Redis } from 'ioredis';
import { CONFIG, type Config } from '../config/config.js';
import { createCluster, type RedisClient, redisCredentials, slotConnector } from './redis-cluster.js';
import { type ConnectionOptions, sentinelOptions } from './redis-sentinel.js';
import { CONNECTION_OPTIONS, SINGLE_SERVER_OPTIONS, SUBSCRIBER_OPTIONS } from './redis-options.js';

/** A connection that is subscribed to one channel. */
export interface RedisSubscriber {
  readonly client: Redis;
  /** Resolves when it is subscribed for the first time. */
  readonly listening: Promise<void>;
}

/**
 * Creates the connections to Redis (one server, the master that Sentinels name, or a cluster if REDIS_URL names several) and closes
 * them at shutdown. Redis only makes things faster: every caller must work, if slower, while Redis is down.
 */
@Injectable()
export class RedisService implements OnApplicationShutdown {
  private readonly log = new Logger('redis');
  private readonly clients: RedisClient[] = [];
  private readonly urls: Config['REDIS_URL'];
  private topologyClient: Cluster | undefined;

  constructor(@Inject(CONFIG) config: Config) {
    this.urls = config.REDIS_URL;
  }

  /** Returns a new connection for commands. While Redis is down they fail at once. `name` appears in logs and in CLIENT LIST. */
  createClient(name: string): RedisClient {
    const options = { ...CONNECTION_OPTIONS, connectionName: `usher-${name}` };
    return this.register(
      name,
      this.isCluster
        ? createCluster(this.urls, options)
        : this.connectToOne({ ...options, ...SINGLE_SERVER_OPTIONS }),
    );
  }

  /** Returns a new connection that is subscribed to one sharded channel (event `smessage`), again after every reconnect. */
  createSubscriber(name: string, channel: string): RedisSubscriber {
    const options = { ...CONNECTION_OPTIONS, ...SUBSCRIBER_OPTIONS, connectionName: `usher-${name}` };
    const client = this.register(
      name,
      this.isCluster
        ? new Redis({ ...options, ...redisCredentials(this.urls), Connector: this.connectorFor(channel) })
        : this.connectToOne(options),
    );
    const listening = new Promise<void>((resolve) => {
      const subscribe = () => client.ssubscribe(channel).then(() => resolve());
      client.on('ready', () => void subscribe().catch(() => client.disconnect(true)));
    });
    // The channel's slot moved to another server, and this one receives none of its messages any more.
    client.on('moved', () => client.disconnect(true));
    return { client, listening };
  }

  onApplicationShutdown(): void {
    for (const client of this.clients.splice(0)) client.disconnect();
  }

  private get isCluster(): boolean {
    return this.urls.length > 1;
  }

  /** To the server at REDIS_URL, or to the master that its Sentinels name. */
  private connectToOne(options: ConnectionOptions): Redis {
    const sentinel = sentinelOptions(this.urls[0]);
    return sentinel ? new Redis({ ...options, ...sentinel }) : new Redis(this.urls[0], options);
  }

  /** All subscribers share one client that looks up where their channels are. */
  private connectorFor(channel: string) {
    this.topologyClient ??= this.createClient('topology') as Cluster;
    return slotConnector(this.topologyClient, channel, this.urls);
  }

  /** Closes the client at shutdown, and logs the beginning and the end of an outage: ioredis reports each failed attempt. */
  private register<Client extends RedisClient>(name: string, client: Client): Client {
    let isDown = false;
    client.on('error', (error: Error) => {
      if (!isDown) this.log.warn(`Redis is down (${name}): ${error.message}`);
      isDown = true;
    });
    client.on('ready', () => {
      if (isDown) this.log.log(`Redis is up again (${name})`);
      isDown = false;
    });
    this.clients.push(client);
    return client;
  }
}
