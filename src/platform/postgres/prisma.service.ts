import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../generated/prisma/client.js';
import { CONFIG, type Config } from '../config/config.js';

const POOL_SIZE = 4;

/** Prisma for what is not on the hot path. TimeZone=UTC is essential: without it adapter-pg stores instants wrong, silently. */
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
        options: '-c TimeZone=UTC',
      }),
    });
  }

  /**
   * The first query compiles Prisma's WebAssembly, which holds up the event loop for 0.4 to 0.7 s: it is made before there are
   * sockets that could notice. Should PostgreSQL be away, that is met by whoever needs it.
   */
  async onModuleInit(): Promise<void> {
    await this.$queryRaw`SELECT 1`.catch(() => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.$disconnect();
  }
}
