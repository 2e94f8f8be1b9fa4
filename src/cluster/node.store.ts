import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import { INSTALLATION } from '../platform/postgres/installation.js';
import { type NodeLane, redisKeys } from '../platform/redis/keys.js';
import type { RedisClient } from '../platform/redis/redis-cluster.js';
import { RedisService } from '../platform/redis/redis.service.js';

const HEARTBEAT = readFileSync(new URL('node-heartbeat.lua', import.meta.url), 'utf8');

/** The nodes that are alive, and messages to them. */
@Injectable()
export class NodeStore {
  private readonly keys: ReturnType<typeof redisKeys>;
  /** One connection a lane, so that critical messages never wait behind others. Heartbeats share the critical one. */
  private readonly connections: Record<NodeLane, RedisClient>;

  constructor(redis: RedisService, @Inject(INSTALLATION) installation: string) {
    this.keys = redisKeys(installation);
    this.connections = { critical: redis.createClient('critical'), other: redis.createClient('other') };
  }

  /**
   * Records that the node is alive; without `nodeId` it only reads. Returns the ids of the nodes whose last heartbeat is less than
   * `timeoutMs` old, whether `nodeId` was among them before this one, and Redis's time in milliseconds. Throws while Redis is away.
   */
  async heartbeat(
    nodeId: string | undefined,
    timeoutMs: number,
  ): Promise<{ known: boolean; nodes: string[]; redisTime: number }> {
    const [known, nodes, microseconds] = (await this.connections.critical.eval(
      HEARTBEAT,
      1,
      this.keys.nodes,
      nodeId ?? '',
      timeoutMs,
    )) as [number, string[], number];
    return { known: known === 1, nodes, redisTime: microseconds / 1_000 };
  }

  /** Removes the node, so that the others stop sending to it at once and not after the timeout. */
  async leave(nodeId: string): Promise<void> {
    await this.connections.critical.zrem(this.keys.nodes, nodeId);
  }

  /**
   * Sends a message to a node. Throws when Redis did not accept it; that the node receives it is not certain. In a cluster the channel
   * lives on one server, which keeps the order of messages and is the only one that has work with it.
   */
  async send(nodeId: string, lane: NodeLane, message: string): Promise<void> {
    await this.connections[lane].spublish(this.keys.channel(nodeId, lane), message);
  }
}
