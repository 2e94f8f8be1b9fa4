import { type DynamicModule, Global, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { KeysController } from './auth/keys.controller.js';
import { RevocationStore } from './auth/revocation.store.js';
import { RevocationsController } from './auth/revocations.controller.js';
import { Revocations } from './auth/revocations.service.js';
import { ServiceKeyStore } from './auth/service-key.store.js';
import { ServiceKeys } from './auth/service-keys.service.js';
import { UserTokens } from './auth/user-token.js';
import { CONFIG, type Config } from './config/config.js';
import { HealthController } from './health/health.controller.js';
import { Housekeeping } from './housekeeping.worker.js';
import { IdempotencyStore } from './http/idempotency.store.js';
import { Lifecycle } from './lifecycle.js';
import { Load } from './load.worker.js';
import { logging } from './log.js';
import { Metrics, MetricsController } from './metrics.js';
import { Database } from './postgres/database.js';
import { INSTALLATION, installationName } from './postgres/installation.js';
import { PrismaService } from './postgres/prisma.service.js';
import { RedisLinks } from './redis.js';

/** What every room stands on, and which knows no story. */
@Global()
@Module({})
export class PlatformModule {
  static with(config: Config): DynamicModule {
    const shared = [
      { provide: CONFIG, useValue: config },
      Database,
      { provide: INSTALLATION, useFactory: installationName, inject: [Database] },
      PrismaService,
      RedisLinks,
      Metrics,
      Lifecycle,
      Load,
      Revocations,
      UserTokens,
      ServiceKeys,
      IdempotencyStore,
    ];
    return {
      module: PlatformModule,
      imports: [LoggerModule.forRoot(logging(config))],
      controllers: [
        HealthController,
        MetricsController,
        ...(config.ROLES.includes('api') ? [KeysController, RevocationsController] : []),
      ],
      providers: [...shared, RevocationStore, ServiceKeyStore, Housekeeping],
      exports: shared,
    };
  }
}
