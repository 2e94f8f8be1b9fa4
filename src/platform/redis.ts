import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { CONFIG, type Config } from './config/config.js';

/** RELIABILITY.md, section 6: a dead link must be noticed, and a lost reply must not become a second command. */
const OPTIONS = {
  socketTimeout: 7_000,
  connectTimeout: 3_000,
  keepAlive: 5_000,
  commandTimeout: 2_000,
  maxRetriesPerRequest: 1,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  retryStrategy: (attempt: number) => Math.min(100 * 2 ** attempt, 2_000) * (0.5 + Math.random() / 2),
} satisfies RedisOptions;

/** A subscriber waits for its server as long as it takes; what it missed is filled from the mailbox. */
const SUBSCRIBER = { maxRetriesPerRequest: null, enableOfflineQueue: true } satisfies RedisOptions;

/** Connections to Redis. It only hurries things: whoever uses one must do without when Redis is away. */
@Injectable()
export class RedisLinks implements OnApplicationShutdown {
  private readonly log = new Logger('redis');
  private readonly opened: Redis[] = [];

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** A connection for commands. They fail at once while Redis is away. */
  open(name: string): Redis {
    return this.connect(name, {});
  }

  /** A connection that only subscribes. */
  openSubscriber(name: string): Redis {
    return this.connect(name, SUBSCRIBER);
  }

  onApplicationShutdown(): void {
    for (const client of this.opened.splice(0)) client.disconnect();
  }

  private connect(name: string, special: Partial<typeof SUBSCRIBER>): Redis {
    const client = new Redis(this.config.REDIS_URL, {
      ...OPTIONS,
      ...special,
      connectionName: `usher-${name}`,
    });
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
