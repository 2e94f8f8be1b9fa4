import { type DynamicModule, Global, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { AuditController } from './audit/audit.controller.js';
import { AuditService } from './audit/audit.service.js';
import { AuditStore } from './audit/audit.store.js';
import { AuthenticationService } from './auth/authentication.service.js';
import { ServiceKeysController } from './auth/service-keys/service-keys.controller.js';
import { RevocationStore } from './auth/revocations/revocation.store.js';
import { RevocationsController } from './auth/revocations/revocations.controller.js';
import { RevocationsService } from './auth/revocations/revocations.service.js';
import { ServiceKeyStore } from './auth/service-keys/service-key.store.js';
import { ServiceKeyUsageWorker } from './auth/service-keys/service-key-usage.worker.js';
import { ServiceKeysService } from './auth/service-keys/service-keys.service.js';
import { JwksWorker } from './auth/user-tokens/jwks.worker.js';
import { UserTokenService } from './auth/user-tokens/user-token.service.js';
import { BudgetStore } from './budgets/budget.store.js';
import { CONFIG, type Config } from './config/config.js';
import { EventBusService } from './events/event-bus.service.js';
import { HealthController } from './health/health.controller.js';
import { ErrorsController } from './http/docs/errors.controller.js';
import { IdempotencyStore } from './http/idempotency/idempotency.store.js';
import { OriginsService } from './http/origins/origins.service.js';
import { LifecycleService } from './lifecycle.service.js';
import { LoadMonitorWorker } from './load/load-monitor.worker.js';
import { loggerParams } from './logging/logging.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { MetricsService } from './metrics/metrics.service.js';
import { NodeFactsService } from './node-facts.service.js';
import { Database } from './postgres/database.js';
import { INSTALLATION, readInstallationName } from './postgres/installation.js';
import { PrismaService } from './postgres/prisma.service.js';
import { PrimaryLinkService } from './processes/primary-link.service.js';
import { TracingService } from './tracing/tracing.service.js';
import { RedisService } from './redis/redis.service.js';

/**
 * What every feature uses, and which knows none of them: configuration, HTTP, authentication, PostgreSQL, Redis, metrics, logs.
 */
@Global()
@Module({})
export class PlatformModule {
  /** Returns the module for a node with this configuration. */
  static with(config: Config): DynamicModule {
    const shared = [
      { provide: CONFIG, useValue: config },
      Database,
      EventBusService,
      { provide: INSTALLATION, useFactory: readInstallationName, inject: [Database] },
      PrismaService,
      RedisService,
      AuditService,
      BudgetStore,
      MetricsService,
      { provide: TracingService, useFactory: TracingService.load, inject: [CONFIG] },
      PrimaryLinkService,
      LifecycleService,
      LoadMonitorWorker,
      NodeFactsService,
      RevocationsService,
      UserTokenService,
      ServiceKeysService,
      IdempotencyStore,
    ];
    return {
      module: PlatformModule,
      imports: [LoggerModule.forRoot(loggerParams(config))],
      controllers: [
        HealthController,
        MetricsController,
        ...(config.ROLES.includes('api')
          ? [ServiceKeysController, RevocationsController, AuditController, ErrorsController]
          : []),
      ],
      providers: [
        ...shared,
        AuditStore,
        RevocationStore,
        ServiceKeyStore,
        ServiceKeyUsageWorker,
        JwksWorker,
        AuthenticationService,
        OriginsService,
      ],
      exports: shared,
    };
  }
}
