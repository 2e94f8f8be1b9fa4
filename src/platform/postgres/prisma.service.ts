import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../generated/prisma/client.js';
import { CONFIG, type Config } from '../config/config.js';
import { SESSION_OPTIONS } from './database.js';

const POOL_SIZE = 4;

/**
 * Prisma, for what is not on the hot path. Without `TimeZone=UTC` (SESSION_OPTIONS) adapter-pg would silently store wrong times wherever the
 * server's time zone is another one.
 */
@Injectable()
export class PrismaService extends PrismaClient implements OnModuleInit, OnApplicationShutdown {
  constructor(@Inject(CONFIG) config: Config) {
    super({
      adapter: new PrismaPg({
        connectionString: config.DATABASE_URL,
        max: POOL_SIZE,
        connectionTimeoutMillis: 3_000,
        statement_timeout: 15_000,
        application_name: 'usher prisma',
        options: SESSION_OPTIONS,
      }),
    });
  }

  /**
   * Prisma's first query compiles WebAssembly, which blocks the event loop for 0.4 to 0.7 s, so it is made before there are any
   * connections. If PostgreSQL is down the error is ignored here: whoever needs it will get it again.
   */
  async onModuleInit(): Promise<void> {
    await this.$queryRaw`SELECT 1`.catch(() => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.$disconnect();
  }
}
