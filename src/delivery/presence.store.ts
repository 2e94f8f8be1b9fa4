import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { INSTALLATION } from '../platform/postgres/installation.js';
import { RedisLinks } from '../platform/redis.js';
import { keysOf, type Lane, LANES } from './keys.js';

const BEAT = readFileSync(new URL('beat.lua', import.meta.url), 'utf8');
/** A living node renews its entries every 20 minutes; what a killed one left behind goes by itself. */
const PRESENCE_TTL_SECONDS = 3_600;
/** Users in one pipeline. */
const CHUNK = 500;

/** Which nodes hold devices of which users. An entry is removed only by the node that wrote it. */
@Injectable()
export class PresenceStore {
  private readonly commands: Redis;
  private readonly publishers: Record<Lane, Redis>;

  private readonly keys: ReturnType<typeof keysOf>;

  constructor(links: RedisLinks, @Inject(INSTALLATION) installation: string) {
    this.keys = keysOf(installation);
    this.commands = links.open('presence');
    this.publishers = { critical: links.open('critical'), other: links.open('other') };
  }

  /** Says that the node lives, if one is given. Answers the living nodes, and whether Redis knew this one. */
  async beat(nodeId: string | undefined, goneAfterMs: number): Promise<{ known: boolean; nodes: string[] }> {
    const [known, nodes] = (await this.commands.eval(
      BEAT,
      1,
      this.keys.nodes,
      nodeId ?? '',
      goneAfterMs,
    )) as [number, string[]];
    return { known: known === 1, nodes };
  }

  async leave(nodeId: string): Promise<void> {
    await this.commands.zrem(this.keys.nodes, nodeId);
  }

  /** The users have a device on the node. */
  async add(nodeId: string, userIds: readonly string[]): Promise<void> {
    await this.each(userIds, (pipeline, userId) =>
      pipeline
        .sadd(this.keys.presence(userId), nodeId)
        .expire(this.keys.presence(userId), PRESENCE_TTL_SECONDS),
    );
  }

  async remove(nodeId: string, userIds: readonly string[]): Promise<void> {
    await this.each(userIds, (pipeline, userId) => pipeline.srem(this.keys.presence(userId), nodeId));
  }

  /** The nodes of each user, in order. One round trip for 500 users. */
  async nodesOf(userIds: readonly string[]): Promise<string[][]> {
    const replies = await this.each(userIds, (pipeline, userId) =>
      pipeline.smembers(this.keys.presence(userId)),
    );
    return replies as string[][];
  }

  /** Sends a message to a node. Throws when Redis did not take it; whether the node hears it, nobody knows. */
  async send(nodeId: string, lane: Lane, message: string): Promise<void> {
    await this.publishers[lane].publish(this.keys.channel(nodeId, lane), message);
  }

  private async each(
    userIds: readonly string[],
    command: (pipeline: ReturnType<Redis['pipeline']>, userId: string) => unknown,
  ): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (let start = 0; start < userIds.length; start += CHUNK) {
      const pipeline = this.commands.pipeline();
      for (const userId of userIds.slice(start, start + CHUNK)) command(pipeline, userId);
      for (const [error, answer] of (await pipeline.exec()) ?? []) {
        if (error) throw error;
        answers.push(answer);
      }
    }
    return answers;
  }
}

/** What a node hears from the others, a connection a lane. */
@Injectable()
export class NodeChannels {
  private subscribers: Redis[] = [];

  private readonly keys: ReturnType<typeof keysOf>;

  constructor(
    private readonly links: RedisLinks,
    @Inject(INSTALLATION) installation: string,
  ) {
    this.keys = keysOf(installation);
  }

  /**
   * Calls `hear` for every message to the node, from now on and after every reconnect, and `onLost` whenever a connection
   * ended: what was sent until it is back went nowhere, and nobody was told.
   */
  async listen(
    nodeId: string,
    hear: (lane: Lane, message: string) => void,
    onLost: (lane: Lane) => void,
  ): Promise<void> {
    await Promise.all(
      LANES.map(async (lane) => {
        const subscriber = this.links.openSubscriber(`${lane}-subscriber`);
        this.subscribers.push(subscriber);
        subscriber.on('close', () => onLost(lane));
        subscriber.on('message', (_channel, message) => hear(lane, message));
        await subscriber.subscribe(this.keys.channel(nodeId, lane));
      }),
    );
  }

  /** Cuts the connections, so that they are made anew: a link that was black-holed never ends by itself. */
  reconnect(): void {
    for (const subscriber of this.subscribers) subscriber.disconnect(true);
  }
}
