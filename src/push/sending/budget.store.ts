import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import { redisKeys } from '../../platform/redis/keys.js';
import { INSTALLATION } from '../../platform/postgres/installation.js';
import { RedisService } from '../../platform/redis/redis.service.js';
import { forEachKey, type KeyOutcome, type RedisClient } from '../../platform/redis/redis-cluster.js';
import type { Budget } from './budget.js';

const BUCKET = readFileSync(new URL('take-tokens.lua', import.meta.url), 'utf8');
const BUCKET_HASH = createHash('sha1').update(BUCKET).digest('hex');

export interface TokenGrant {
  readonly granted: number;
  /** When one more could be granted. */
  readonly waitMs: number;
}

/** Token buckets that all workers share. They hurry nothing and forget nothing: without Redis a worker helps itself to little. */
@Injectable()
export class BudgetStore {
  private readonly commands: RedisClient;
  private readonly keys: ReturnType<typeof redisKeys>;

  constructor(links: RedisService, @Inject(INSTALLATION) installation: string) {
    this.keys = redisKeys(installation);
    this.commands = links.createClient('budgets');
  }

  /** Takes up to `wanted` of which `reserve` must stay; a negative `wanted` gives back. Throws while Redis is away. */
  async take(
    name: string,
    { perSecond, burst }: Budget,
    wanted: number,
    reserve: number,
  ): Promise<TokenGrant> {
    const key = this.keys.budget(name);
    return grantOf(await this.commands.eval(BUCKET, 1, key, perSecond, burst, wanted, reserve));
  }

  /** Takes one of each, in order; what cannot be asked is granted. */
  async takeEach(names: readonly string[], budget: Budget): Promise<TokenGrant[]> {
    const keys = names.map((name) => this.keys.budget(name));
    const outcomes = await this.byName(keys, budget);
    const unknown = keys.filter((_, n) => isUnknown(outcomes[n]));
    const told = unknown.length === 0 ? [] : await this.byText(unknown, budget);
    return outcomes.map((one) => {
      const outcome = isUnknown(one) ? told.shift() : one;
      return outcome === undefined || outcome instanceof Error ? ONE_GRANTED : grantOf(outcome.reply);
    });
  }

  /** The script by its hash: its text would be most of what is sent, and hashed anew each time. */
  private byName(keys: readonly string[], { perSecond, burst }: Budget): Promise<KeyOutcome[]> {
    return forEachKey(this.commands, keys, (pipeline, key) =>
      pipeline.evalsha(BUCKET_HASH, 1, key, perSecond, burst, 1, 0),
    );
  }

  private byText(keys: readonly string[], { perSecond, burst }: Budget): Promise<KeyOutcome[]> {
    return forEachKey(this.commands, keys, (pipeline, key) =>
      pipeline.eval(BUCKET, 1, key, perSecond, burst, 1, 0),
    );
  }
}

/** A server that was restarted, or became the master, does not have the script; its text brings it there. */
const isUnknown = (outcome: KeyOutcome | undefined): boolean =>
  outcome instanceof Error && outcome.message.startsWith('NOSCRIPT');

export const ONE_GRANTED: TokenGrant = { granted: 1, waitMs: 0 };

function grantOf(reply: unknown): TokenGrant {
  const [granted, waitMs] = reply as [number, number];
  return { granted, waitMs };
}
