import { Inject, Injectable } from '@nestjs/common';
import { Problem } from '../../platform/http/problem.js';
import { INSTALLATION } from '../../platform/postgres/installation.js';
import { redisKeys } from '../../platform/redis/keys.js';
import type { RedisClient } from '../../platform/redis/redis-cluster.js';
import { RedisService } from '../../platform/redis/redis.service.js';

/** What is kept under a secret. */
export type SecretKind = 'session' | 'sign-in' | 'link';

/**
 * JSON in Redis, under the hashes of secrets, for a limited time. When Redis loses it people sign in again. While Redis is down every
 * method throws Problem unavailable.
 */
@Injectable()
export class SecretStore {
  private readonly redis: RedisClient;
  private readonly key: ReturnType<typeof redisKeys>['secret'];

  constructor(redis: RedisService, @Inject(INSTALLATION) installation: string) {
    this.redis = redis.createClient('console');
    this.key = redisKeys(installation).secret;
  }

  /** Stores the value for `ms`. */
  async put(kind: SecretKind, hash: string, value: object, ms: number): Promise<void> {
    await orUnavailable(this.redis.set(this.key(kind, hash), JSON.stringify(value), 'PX', Math.ceil(ms)));
  }

  /** Returns the value; undefined when there is none, or its time is over. */
  async get(kind: SecretKind, hash: string): Promise<unknown> {
    return parsed(await orUnavailable(this.redis.get(this.key(kind, hash))));
  }

  /** Returns the value and removes it: of several calls at once one gets it. */
  async take(kind: SecretKind, hash: string): Promise<unknown> {
    return parsed(await orUnavailable(this.redis.getdel(this.key(kind, hash))));
  }

  /** Keeps the value for `ms` from now. */
  async extend(kind: SecretKind, hash: string, ms: number): Promise<void> {
    await orUnavailable(this.redis.pexpire(this.key(kind, hash), Math.ceil(ms)));
  }

  /** Removes the value if there is one. */
  async remove(kind: SecretKind, hash: string): Promise<void> {
    await orUnavailable(this.redis.del(this.key(kind, hash)));
  }
}

const parsed = (json: string | null): unknown => (json === null ? undefined : JSON.parse(json));

function orUnavailable<T>(reply: Promise<T>): Promise<T> {
  return reply.catch(() => {
    throw new Problem('unavailable', 'The console needs Redis, which is down.', { retryAfterMs: 2_000 });
  });
}
