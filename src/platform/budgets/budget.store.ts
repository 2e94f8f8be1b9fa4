import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import { redisKeys } from '../redis/keys.js';
import { INSTALLATION } from '../postgres/installation.js';
import { RedisService } from '../redis/redis.service.js';
import { forEachKey, type KeyOutcome, type RedisClient } from '../redis/redis-cluster.js';
import type { Budget } from './budget.js';

const TAKE_TOKENS = readFileSync(new URL('take-tokens.lua', import.meta.url), 'utf8');
const TAKE_TOKENS_SHA = createHash('sha1').update(TAKE_TOKENS).digest('hex');

/** The tokens that a bucket granted. */
export interface TokenGrant {
  readonly granted: number;
  /** Milliseconds until one more could be granted. */
  readonly waitMs: number;
}

/** Token buckets in Redis, shared by all workers. */
@Injectable()
export class BudgetStore {
  private readonly commands: RedisClient;
  private readonly keys: ReturnType<typeof redisKeys>;

  constructor(redis: RedisService, @Inject(INSTALLATION) installation: string) {
    this.keys = redisKeys(installation);
    this.commands = redis.createClient('budgets');
  }

  /** Takes up to `wanted` tokens, and leaves `reserve` in the bucket. A negative `wanted` returns tokens. Throws while Redis is down. */
  async take(
    name: string,
    { perSecond, burst }: Budget,
    wanted: number,
    reserve: number,
  ): Promise<TokenGrant> {
    const key = this.keys.budget(name);
    return grantOf(await this.commands.eval(TAKE_TOKENS, 1, key, perSecond, burst, wanted, reserve));
  }

  /** Takes one token of each bucket. Returns the grants in order; a bucket that cannot be reached grants. */
  async takeEach(names: readonly string[], budget: Budget): Promise<TokenGrant[]> {
    const keys = names.map((name) => this.keys.budget(name));
    const outcomes = await this.takeBySha(keys, budget);
    const missed = keys.filter((_, n) => lacksScript(outcomes[n]));
    const retried = missed.length === 0 ? [] : await this.takeByText(missed, budget);
    return outcomes.map((one) => {
      const outcome = lacksScript(one) ? retried.shift() : one;
      return outcome === undefined || outcome instanceof Error ? ONE_GRANTED : grantOf(outcome.reply);
    });
  }

  /** Runs the script by its hash: its text would be most of what is sent, and Redis would hash it each time. */
  private takeBySha(keys: readonly string[], { perSecond, burst }: Budget): Promise<KeyOutcome[]> {
    return forEachKey(this.commands, keys, (pipeline, key) =>
      pipeline.evalsha(TAKE_TOKENS_SHA, 1, key, perSecond, burst, 1, 0),
    );
  }

  private takeByText(keys: readonly string[], { perSecond, burst }: Budget): Promise<KeyOutcome[]> {
    return forEachKey(this.commands, keys, (pipeline, key) =>
      pipeline.eval(TAKE_TOKENS, 1, key, perSecond, burst, 1, 0),
    );
  }
}

/** A server that was restarted, or promoted to master, does not have the script until it was run by its text. */
const lacksScript = (outcome: KeyOutcome | undefined): boolean =>
  outcome instanceof Error && outcome.message.startsWith('NOSCRIPT');

/** The grant of a bucket that is not limited. */
export const ONE_GRANTED: TokenGrant = { granted: 1, waitMs: 0 };

function grantOf(reply: unknown): TokenGrant {
  const [granted, waitMs] = reply as [number, number];
  return { granted, waitMs };
}
