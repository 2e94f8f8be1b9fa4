import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import { Cluster } from 'ioredis';
import { INSTALLATION } from '../platform/postgres/installation.js';
import { redisKeys } from '../platform/redis/keys.js';
import {
  groupBySlot,
  forEachKey,
  type KeyCommand,
  type KeyOutcome,
  type RedisClient,
} from '../platform/redis/redis-cluster.js';
import { RedisService } from '../platform/redis/redis.service.js';

const READ_PRESENCE = readFileSync(new URL('read-presence.lua', import.meta.url), 'utf8');
/** A living node renews its entries every 20 minutes (node-registry.service.ts); those of a killed one expire by themselves. */
const PRESENCE_TTL_SECONDS = 3_600;
/** Users in one request, so that nothing else waits longer behind it. As many as the router looks up at once. */
const BATCH_SIZE = 1_000;

/** Which nodes hold devices of which users. An entry is removed only by the node that wrote it. */
@Injectable()
export class PresenceStore {
  private readonly keys: ReturnType<typeof redisKeys>;
  private readonly redis: RedisClient;

  constructor(redis: RedisService, @Inject(INSTALLATION) installation: string) {
    this.keys = redisKeys(installation);
    this.redis = redis.createClient('presence');
  }

  /** Records that the users have a device on the node. Throws unless it was written for every one. */
  async add(nodeId: string, userIds: readonly string[]): Promise<void> {
    await this.write(userIds, (pipeline, key) =>
      pipeline.sadd(key, nodeId).expire(key, PRESENCE_TTL_SECONDS),
    );
  }

  /** Records that the users have no device on the node any more. Throws unless it was written for every one. */
  async remove(nodeId: string, userIds: readonly string[]): Promise<void> {
    await this.write(userIds, (pipeline, key) => pipeline.srem(key, nodeId));
  }

  /**
   * Returns the ids of each user's nodes, in the order of the users; undefined for users whose part of a Redis cluster is away. Throws
   * when nobody's could be read. One command for a thousand users, in a cluster one for each bucket of users (bench scenario `presence`).
   */
  async nodesOf(userIds: readonly string[]): Promise<(readonly string[] | undefined)[]> {
    const results: (readonly string[] | Error)[] = [];
    for (let start = 0; start < userIds.length; start += BATCH_SIZE)
      results.push(...(await this.readBatch(userIds.slice(start, start + BATCH_SIZE))));
    const failure = results.find((result) => result instanceof Error);
    if (failure && results.every((result) => result instanceof Error)) throw failure;
    return results.map((result) => (result instanceof Error ? undefined : result));
  }

  private async readBatch(userIds: readonly string[]): Promise<(readonly string[] | Error)[]> {
    const keys = userIds.map((userId) => this.keys.presence(userId));
    const groups = this.redis instanceof Cluster ? groupBySlot(keys) : [[...keys.keys()]];
    // A group is sent to the server of its first key.
    const keysByFirst = new Map(
      groups.map((indexes) => {
        const groupKeys = indexes.map((index) => keys[index] as string);
        return [groupKeys[0] as string, groupKeys] as const;
      }),
    );
    const outcomes = await forEachKey(this.redis, [...keysByFirst.keys()], (pipeline, firstKey) => {
      const groupKeys = keysByFirst.get(firstKey) ?? [];
      return pipeline.eval(READ_PRESENCE, groupKeys.length, ...groupKeys);
    });
    const results: (readonly string[] | Error)[] = Array.from({ length: keys.length });
    groups.forEach((indexes, group) => {
      const outcome = outcomes[group] as KeyOutcome;
      const lines = outcome instanceof Error ? [] : String(outcome.reply).split('\n');
      indexes.forEach((index, n) => {
        results[index] = outcome instanceof Error ? outcome : nodeIdsOf(lines[n]);
      });
    });
    return results;
  }

  private async write(userIds: readonly string[], command: KeyCommand): Promise<void> {
    let failure: Error | undefined;
    for (let start = 0; start < userIds.length; start += BATCH_SIZE) {
      const keys = userIds.slice(start, start + BATCH_SIZE).map((userId) => this.keys.presence(userId));
      const outcomes = await forEachKey(this.redis, keys, command);
      failure ??= outcomes.find((outcome) => outcome instanceof Error);
    }
    if (failure) throw failure;
  }
}

/** The ids in a line of read-presence.lua. */
const nodeIdsOf = (line = ''): readonly string[] => (line === '' ? [] : line.split(' '));
