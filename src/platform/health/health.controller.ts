import { Controller, Get, HttpCode, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { LifecycleService } from '../lifecycle.service.js';
import { Database } from '../postgres/database.js';
import { named } from '../postgres/statement.js';
import { RedisService } from '../redis/redis.service.js';
import type { RedisClient } from '../redis/redis-cluster.js';
import { withTimeout } from '../scheduling/timeout.js';

const PING = named('health', 'SELECT 1 AS ok');
/** Unlike PING this needs a cluster that is whole enough to hold keys. */
const SOME_KEY = 'usher:health';
const DEADLINE_MS = 1_500;

@ApiTags('operations')
@Controller('health')
export class HealthController {
  private readonly redis: RedisClient;

  constructor(
    private readonly lifecycle: LifecycleService,
    private readonly database: Database,
    links: RedisService,
  ) {
    this.redis = links.open('health');
  }

  /** The process turns its event loop; nothing else is asked, so that an outage elsewhere restarts nobody. */
  @Get('live')
  @HttpCode(200)
  live() {
    return { status: 'ok' };
  }

  /** Traffic may come: booted, not draining, and PostgreSQL answers. Redis is reported but decides nothing: it only hurries. */
  @Get('ready')
  async ready(@Res({ passthrough: true }) response: Response) {
    const [postgres, redis] = await Promise.all([
      works(this.database.run('critical', PING, [])),
      works(this.redis.exists(SOME_KEY)),
    ]);
    const ok = this.lifecycle.accepting && postgres;
    response.status(ok ? 200 : 503);
    return {
      status: ok ? 'ok' : 'unavailable',
      accepting: this.lifecycle.accepting,
      postgres: word(postgres),
      redis: word(redis),
    };
  }
}

const works = (answer: Promise<unknown>): Promise<boolean> =>
  withTimeout(DEADLINE_MS, answer).then(
    () => true,
    () => false,
  );
const word = (up: boolean) => (up ? 'up' : 'down');
