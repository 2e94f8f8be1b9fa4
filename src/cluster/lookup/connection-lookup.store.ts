import { Inject, Injectable } from '@nestjs/common';
import { INSTALLATION } from '../../platform/postgres/installation.js';
import { redisKeys } from '../../platform/redis/keys.js';
import type { RedisClient } from '../../platform/redis/redis-cluster.js';
import { RedisService } from '../../platform/redis/redis.service.js';
import type { UserConnections } from './connected-device.js';

/** An answer is read within a second, or nobody waits for it any more. */
const ANSWER_TTL_SECONDS = 5;

/** The answers of nodes to questions about connections. They are in a list in Redis, since a node without sockets has no channel. */
@Injectable()
export class ConnectionLookupStore {
  private readonly keys: ReturnType<typeof redisKeys>;
  private readonly redis: RedisClient;

  constructor(redis: RedisService, @Inject(INSTALLATION) installation: string) {
    this.keys = redisKeys(installation);
    this.redis = redis.createClient('answers');
  }

  /** Writes this node's answer. */
  async answer(questionId: string, answer: readonly UserConnections[]): Promise<void> {
    const key = this.keys.answers(questionId);
    await this.redis.multi().rpush(key, JSON.stringify(answer)).expire(key, ANSWER_TTL_SECONDS).exec();
  }

  /** Returns the answers that have come so far. */
  async read(questionId: string): Promise<(readonly UserConnections[])[]> {
    const answers = await this.redis.lrange(this.keys.answers(questionId), 0, -1);
    return answers.map((answer) => JSON.parse(answer) as readonly UserConnections[]);
  }
}
