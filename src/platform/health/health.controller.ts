import { Controller, Get, HttpCode, Inject, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { liveness, readiness } from './health.schema.js';
import { LifecycleService } from '../lifecycle.service.js';
import { Database } from '../postgres/database.js';
import { INSTALLATION } from '../postgres/installation.js';
import { named } from '../postgres/statement.js';
import { redisKeys } from '../redis/keys.js';
import type { RedisClient } from '../redis/redis-cluster.js';
import { RedisService } from '../redis/redis.service.js';
import { monotonicNow } from '../scheduling/monotonic.js';
import { withTimeout } from '../scheduling/timeout.js';
import { Operation } from '../http/docs/operation.js';

const PING = named('health', 'SELECT 1 AS ok');
const TIMEOUT_MS = 1_500;
const REUSED_MS = 1_000;

/** Which of the two responded. */
interface Probe {
  readonly postgres: boolean;
  readonly redis: boolean;
}

/** Probes for load balancers and orchestrators. */
@ApiTags('operations')
@Controller('health')
export class HealthController {
  private readonly redis: RedisClient;
  private readonly redisKey: string;
  private probedAt = -Infinity;
  private lastProbe: Promise<Probe> = Promise.resolve({ postgres: false, redis: false });

  constructor(
    private readonly lifecycle: LifecycleService,
    private readonly database: Database,
    redis: RedisService,
    @Inject(INSTALLATION) installation: string,
  ) {
    this.redis = redis.createClient('health');
    this.redisKey = redisKeys(installation).health;
  }

  /** 200 as long as the event loop runs. Checks nothing else: an outage of PostgreSQL must not restart every node. */
  @Get('live')
  @Operation({
    id: 'getLiveness',
    summary: 'Whether the process runs',
    description: 'Checks nothing else: an outage of PostgreSQL must not restart every node.',
  })
  @ApiResponse({ status: 200, standardSchema: liveness })
  @HttpCode(200)
  live() {
    return { status: 'ok' };
  }

  /**
   * 200 when the node takes traffic: it has booted, is not draining, and PostgreSQL responds; else 503. Redis is reported but
   * does not count, since nodes work without it. Reading a key, unlike PING, needs a cluster whose slots are all served.
   */
  @Get('ready')
  @Operation({
    id: 'getReadiness',
    summary: 'Whether the node takes traffic',
    description:
      'It has booted, is not draining, and PostgreSQL responds. Redis is reported and does not count.',
  })
  @ApiResponse({ status: 200, standardSchema: readiness })
  @ApiResponse({ status: 503, standardSchema: readiness, description: 'It takes no traffic now.' })
  async ready(@Res({ passthrough: true }) response: Response) {
    const { postgres, redis } = await this.probe();
    const ok = this.lifecycle.accepting && postgres;
    response.status(ok ? 200 : 503);
    return {
      status: ok ? 'ok' : 'unavailable',
      accepting: this.lifecycle.accepting,
      postgres: postgres ? 'up' : 'down',
      redis: redis ? 'up' : 'down',
    };
  }

  /** Asks PostgreSQL and Redis once a second at most, however many ask this node: anybody may, and the lane is for critical events. */
  private probe(): Promise<Probe> {
    if (monotonicNow() - this.probedAt >= REUSED_MS) {
      this.probedAt = monotonicNow();
      this.lastProbe = Promise.all([
        succeeds(this.database.run('critical', PING, [])),
        succeeds(this.redis.exists(this.redisKey)),
      ]).then(([postgres, redis]) => ({ postgres, redis }));
    }
    return this.lastProbe;
  }
}

const succeeds = (check: Promise<unknown>): Promise<boolean> =>
  withTimeout(TIMEOUT_MS, check).then(
    () => true,
    () => false,
  );
