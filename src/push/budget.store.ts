import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import { keysOf } from '../delivery/keys.js';
import { INSTALLATION } from '../platform/postgres/installation.js';
import { RedisLinks } from '../platform/redis.js';
import { forEachKey, type RedisLink } from '../platform/redis-cluster.js';
import type { Budget } from './budget.js';

const BUCKET = readFileSync(new URL('bucket.lua', import.meta.url), 'utf8');

export interface Grant {
  readonly granted: number;
  /** When one more could be granted. */
  readonly waitMs: number;
}

/** Token buckets that all workers share. They hurry nothing and forget nothing: without Redis a worker helps itself to little. */
@Injectable()
export class BudgetStore {
  private readonly commands: RedisLink;
  private readonly keys: ReturnType<typeof keysOf>;

  constructor(links: RedisLinks, @Inject(INSTALLATION) installation: string) {
    this.keys = keysOf(installation);
    this.commands = links.open('budgets');
  }

  /** Takes up to `wanted` of which `reserve` must stay; a negative `wanted` gives back. Throws while Redis is away. */
  async take(name: string, { perSecond, burst }: Budget, wanted: number, reserve: number): Promise<Grant> {
    const key = this.keys.budget(name);
    return grantOf(await this.commands.eval(BUCKET, 1, key, perSecond, burst, wanted, reserve));
  }

  /** Takes one of each, in order; what cannot be asked is granted. */
  async takeEach(names: readonly string[], { perSecond, burst }: Budget): Promise<Grant[]> {
    const keys = names.map((name) => this.keys.budget(name));
    const outcomes = await forEachKey(this.commands, keys, (pipeline, key) =>
      pipeline.eval(BUCKET, 1, key, perSecond, burst, 1, 0),
    );
    return outcomes.map((one) => (one instanceof Error ? FREE : grantOf(one.reply)));
  }
}

export const FREE: Grant = { granted: 1, waitMs: 0 };

function grantOf(reply: unknown): Grant {
  const [granted, waitMs] = reply as [number, number];
  return { granted, waitMs };
}
