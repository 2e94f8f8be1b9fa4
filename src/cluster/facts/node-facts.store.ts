import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import { INSTALLATION } from '../../platform/postgres/installation.js';
import { redisKeys } from '../../platform/redis/keys.js';
import type { RedisClient } from '../../platform/redis/redis-cluster.js';
import { RedisService } from '../../platform/redis/redis.service.js';

const FACTS = readFileSync(new URL('node-facts.lua', import.meta.url), 'utf8');
/** Of a node that has published nothing for this long nothing is said: it publishes once a second. */
const FORGOTTEN_AFTER_MS = 5_000;

/** What a node says of itself. */
export interface PublishedFacts {
  readonly id: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What all nodes say of themselves, those without sockets too, in Redis. Throws while Redis is away. */
@Injectable()
export class NodeFactsStore {
  private readonly keys: [seen: string, facts: string];
  private readonly redis: RedisClient;

  constructor(redis: RedisService, @Inject(INSTALLATION) installation: string) {
    const { factsSeen, facts } = redisKeys(installation);
    this.keys = [factsSeen, facts];
    this.redis = redis.createClient('facts');
  }

  async publish(nodeId: string, facts: Readonly<Record<string, unknown>>): Promise<void> {
    await this.redis.eval(FACTS, 2, ...this.keys, FORGOTTEN_AFTER_MS, nodeId, JSON.stringify(facts));
  }

  /** One entry for each node that is alive, by id. What is more than 5 s old is not among them. */
  async list(): Promise<PublishedFacts[]> {
    const flat = (await this.redis.eval(FACTS, 2, ...this.keys, FORGOTTEN_AFTER_MS)) as string[];
    const found = flat.flatMap((id, n) =>
      n % 2 === 0
        ? [{ id, facts: JSON.parse(flat[n + 1] as string) as Readonly<Record<string, unknown>> }]
        : [],
    );
    return found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The node has ended. */
  async remove(nodeId: string): Promise<void> {
    await Promise.all([this.redis.zrem(this.keys[0], nodeId), this.redis.hdel(this.keys[1], nodeId)]);
  }
}
