import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
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
} as const;

/** Redis only hurries things: whoever uses it must do without when it is away. */
@Injectable()
export class RedisLink implements OnApplicationShutdown {
  private readonly log = new Logger('redis');
  readonly client: Redis;

  constructor(@Inject(CONFIG) config: Config) {
    this.client = new Redis(config.REDIS_URL, { ...OPTIONS });
    let away = false;
    this.client.on('error', (error: Error) => {
      if (!away) this.log.warn(`Redis is away: ${error.message}`);
      away = true;
    });
    this.client.on('ready', () => {
      if (away) this.log.log('Redis is back');
      away = false;
    });
  }

  onApplicationShutdown(): void {
    this.client.disconnect();
  }
}
