import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../generated/prisma/client.js';
import { CONFIG, type Config } from '../config/config.js';

const POOL_SIZE = 4;

/** Prisma for what is not on the hot path. TimeZone=UTC is essential: without it adapter-pg stores instants wrong, silently. */
@Injectable()
export class PrismaService extends PrismaClient implements OnApplicationShutdown {
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

  async onApplicationShutdown(): Promise<void> {
    await this.$disconnect();
  }
}
