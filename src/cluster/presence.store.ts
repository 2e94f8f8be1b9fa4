import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import { Cluster, type Redis } from 'ioredis';
import { INSTALLATION } from '../platform/postgres/installation.js';
import { RedisService } from '../platform/redis/redis.service.js';
import {
  groupBySlot,
  forEachKey,
  type KeyCommand,
  type KeyOutcome,
  type RedisClient,
} from '../platform/redis/redis-cluster.js';
import { redisKeys, type NodeLane, NODE_LANES } from '../platform/redis/keys.js';

const BEAT = readFileSync(new URL('node-heartbeat.lua', import.meta.url), 'utf8');
const NODES_OF = readFileSync(new URL('read-presence.lua', import.meta.url), 'utf8');
/** A living node renews its entries every 20 minutes; what a killed one left behind goes by itself. */
const PRESENCE_TTL_SECONDS = 3_600;
/** Users in one question, so that nothing else waits longer behind it. As many as the router asks for at once. */
const AT_ONCE = 1_000;

/** Which nodes hold devices of which users. An entry is removed only by the node that wrote it. */
@Injectable()
export class PresenceStore {
  private readonly commands: RedisClient;
  private readonly publishers: Record<NodeLane, RedisClient>;

  private readonly keys: ReturnType<typeof redisKeys>;

  constructor(links: RedisService, @Inject(INSTALLATION) installation: string) {
    this.keys = redisKeys(installation);
    this.commands = links.createClient('presence');
    this.publishers = { critical: links.createClient('critical'), other: links.createClient('other') };
  }

  /** Says that the node lives, if one is given. Answers the living nodes, and whether Redis knew this one. */
  async heartbeat(
    nodeId: string | undefined,
    goneAfterMs: number,
  ): Promise<{ known: boolean; nodes: string[] }> {
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

  /** The users have a device on the node. Throws when that is not sure for every one. */
  async add(nodeId: string, userIds: readonly string[]): Promise<void> {
    await this.write(userIds, (pipeline, key) =>
      pipeline.sadd(key, nodeId).expire(key, PRESENCE_TTL_SECONDS),
    );
  }

  async remove(nodeId: string, userIds: readonly string[]): Promise<void> {
    await this.write(userIds, (pipeline, key) => pipeline.srem(key, nodeId));
  }

  /**
   * The nodes of each user, in order; undefined for those whose share of a cluster is away. Throws when nobody's could be
   * read. One command for a thousand users, in a cluster one for each bucket of theirs (bench scenario `presence`).
   */
  async nodesOf(userIds: readonly string[]): Promise<(readonly string[] | undefined)[]> {
    const found: (readonly string[] | Error)[] = [];
    for (let start = 0; start < userIds.length; start += AT_ONCE)
      found.push(...(await this.readBatch(userIds.slice(start, start + AT_ONCE))));
    const failure = found.find((one) => one instanceof Error);
    if (failure && found.every((one) => one instanceof Error)) throw failure;
    return found.map((one) => (one instanceof Error ? undefined : one));
  }

  private async readBatch(userIds: readonly string[]): Promise<(readonly string[] | Error)[]> {
    const keys = userIds.map((userId) => this.keys.presence(userId));
    const groups = this.commands instanceof Cluster ? groupBySlot(keys) : [[...keys.keys()]];
    const keysOfGroup = new Map(
      groups.map((places) => {
        const some = places.map((place) => keys[place] as string);
        return [some[0] as string, some] as const;
      }),
    );
    const outcomes = await forEachKey(this.commands, [...keysOfGroup.keys()], (pipeline, key) => {
      const some = keysOfGroup.get(key) ?? [];
      return pipeline.eval(NODES_OF, some.length, ...some);
    });
    const found: (readonly string[] | Error)[] = Array.from({ length: keys.length });
    groups.forEach((places, group) => {
      const outcome = outcomes[group] as KeyOutcome;
      places.forEach((place, index) => {
        found[place] = outcome instanceof Error ? outcome : ((outcome.reply as string[][])[index] ?? []);
      });
    });
    return found;
  }

  /**
   * Sends a message to a node. Throws when Redis did not take it; whether the node hears it, nobody knows. In a cluster the
   * channel lives on one server, which keeps the order and is the only one that pays for it.
   */
  async send(nodeId: string, lane: NodeLane, message: string): Promise<void> {
    await this.publishers[lane].spublish(this.keys.channel(nodeId, lane), message);
  }

  private async write(userIds: readonly string[], command: KeyCommand): Promise<void> {
    const failure = (await this.each(userIds, command)).find((one) => one instanceof Error);
    if (failure) throw failure;
  }

  private async each(userIds: readonly string[], command: KeyCommand): Promise<KeyOutcome[]> {
    const outcomes: KeyOutcome[] = [];
    for (let start = 0; start < userIds.length; start += AT_ONCE) {
      const keys = userIds.slice(start, start + AT_ONCE).map((userId) => this.keys.presence(userId));
      outcomes.push(...(await forEachKey(this.commands, keys, command)));
    }
    return outcomes;
  }
}

/** What a node hears from the others, a connection a lane. */
@Injectable()
export class NodeChannelStore {
  private subscribers: Redis[] = [];

  private readonly keys: ReturnType<typeof redisKeys>;

  constructor(
    private readonly links: RedisService,
    @Inject(INSTALLATION) installation: string,
  ) {
    this.keys = redisKeys(installation);
  }

  /**
   * Calls `hear` for every message to the node, from now on and after every reconnect, and `onLost` whenever a connection
   * ended: what was sent until it is back went nowhere, and nobody was told.
   */
  async listen(
    nodeId: string,
    hear: (lane: NodeLane, message: string) => void,
    onLost: (lane: NodeLane) => void,
  ): Promise<void> {
    await Promise.all(
      NODE_LANES.map(async (lane) => {
        const channel = this.keys.channel(nodeId, lane);
        const { client, listening } = this.links.createSubscriber(`${lane}-subscriber`, channel);
        this.subscribers.push(client);
        client.on('close', () => onLost(lane));
        client.on('smessage', (_channel: string, message: string) => hear(lane, message));
        await listening;
      }),
    );
  }

  /** Cuts the connections, so that they are made anew: a link that was black-holed never ends by itself. */
  reconnect(): void {
    for (const subscriber of this.subscribers) subscriber.disconnect(true);
  }
}
