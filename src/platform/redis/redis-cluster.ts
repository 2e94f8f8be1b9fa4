import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import calculateSlot from 'cluster-key-slot';
import { AbstractConnector, type ChainableCommander, Cluster, type Redis } from 'ioredis';
import { withTimeout } from '../scheduling/timeout.js';
import {
  CLUSTER_LOOKUP_MS,
  CLUSTER_OPTIONS,
  type CONNECTION_OPTIONS,
  retryStrategy,
} from './redis-options.js';

/** A client of one server or of a cluster. The same commands work for both, as long as all keys of a command are in one slot. */
export type RedisClient = Redis | Cluster;

const DISCONNECT_MS = 2_000;

/** The part of a Redis URL that is the same for every server of a cluster. */
export interface RedisCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly tls?: Record<string, never>;
}

/**
 * Returns the credentials of the first URL. They serve for all servers of a cluster, whose addresses the cluster itself
 * provides.
 */
export function redisCredentials([url]: readonly [string, ...string[]]): RedisCredentials {
  const { username, password, protocol } = new URL(url);
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}

/** Returns a client of the cluster to which the servers at `urls` belong. */
export function createCluster(
  urls: readonly [string, ...string[]],
  redisOptions: typeof CONNECTION_OPTIONS & { readonly connectionName: string },
): Cluster {
  return new Cluster([...urls], {
    ...CLUSTER_OPTIONS,
    clusterRetryStrategy: retryStrategy,
    // Connect to every server before its first command, replicas included, since one may be the next master: commands that come
    // while a connection is being opened are refused.
    redisOptions: { ...redisOptions, ...redisCredentials(urls), lazyConnect: false },
    // Keep host names: a TLS certificate is issued for a name, and would not match the address.
    ...(urls[0].startsWith('rediss:') && {
      dnsLookup: (address: string, done: (error: null, address: string) => void) => done(null, address),
    }),
  });
}

/** Adds one or more commands on `key` to the pipeline; as many for each key. */
export type KeyCommand = (pipeline: ChainableCommander, key: string) => unknown;
/** What became of a key's commands: the first error, or the reply of the first command. */
export type KeyOutcome = Error | { readonly reply: unknown };

/**
 * Runs the commands for each key, in one round trip to each server that holds some of the keys, all servers at the same time.
 * Returns the outcomes in the order of the keys and never rejects: part of a cluster may be down while the rest works.
 */
export async function forEachKey(
  client: RedisClient,
  keys: readonly string[],
  command: KeyCommand,
): Promise<KeyOutcome[]> {
  const outcomes: KeyOutcome[] = Array.from({ length: keys.length });
  const run = async (indices: readonly number[]) => {
    const replies = await runPipeline(
      client,
      indices.map((index) => keys[index] as string),
      command,
    );
    indices.forEach((index, n) => (outcomes[index] = replies[n] as KeyOutcome));
  };
  await Promise.all(groupByServer(client, keys).map(run));
  // Whatever the error was, the keys may be on another server now.
  if (client instanceof Cluster && outcomes.some((one) => one instanceof Error)) client.refreshSlotsCache();
  return outcomes;
}

async function runPipeline(
  client: RedisClient,
  keys: readonly string[],
  command: KeyCommand,
): Promise<KeyOutcome[]> {
  // A cluster client would keep the pipeline until a server is reachable.
  if (client.status !== 'ready') return keys.map(() => new Error('Redis is down'));
  const pipeline = client.pipeline();
  for (const key of keys) command(pipeline, key);
  const commandsPerKey = pipeline.length / keys.length;
  const replies = await pipeline.exec().catch((error: Error) => error);
  return keys.map((_, index) => {
    if (!Array.isArray(replies)) return replies ?? new Error('no reply');
    const ofKey = replies.slice(index * commandsPerKey, (index + 1) * commandsPerKey);
    return ofKey.find(([error]) => error)?.[0] ?? { reply: ofKey[0]?.[1] };
  });
}

/** Returns the indices of the keys, grouped by the server that holds them as far as the client knows. */
function groupByServer(client: RedisClient, keys: readonly string[]): number[][] {
  if (!(client instanceof Cluster)) return keys.length === 0 ? [] : [[...keys.keys()]];
  return groupIndices(keys, (key) => client.slots[calculateSlot(key)]?.join() ?? '');
}

/** Returns the indices of the keys, grouped by slot: one command of a cluster may only use keys of one slot. */
export const groupBySlot = (keys: readonly string[]): number[][] => groupIndices(keys, calculateSlot);

function groupIndices(keys: readonly string[], groupOf: (key: string) => unknown): number[][] {
  const groups = new Map<unknown, number[]>();
  keys.forEach((key, index) => {
    const name = groupOf(key);
    const group = groups.get(name);
    if (group) group.push(index);
    else groups.set(name, [index]);
  });
  return [...groups.values()];
}

/**
 * Returns an ioredis connector that connects to the server which holds the slot of a channel, looked up at each connect:
 * sharded pub/sub messages are delivered by that server alone. `connect` never rejects because of the lookup, since ioredis
 * would then give up: if the lookup fails, the first seed is tried. If that is the wrong server its reply (MOVED) ends the
 * connection, and the next attempt looks up the slot again.
 */
export const slotConnector = (cluster: Cluster, channel: string, seeds: readonly [string, ...string[]]) =>
  class SlotConnector extends AbstractConnector {
    constructor() {
      super(DISCONNECT_MS);
    }

    async connect(): Promise<Socket> {
      this.connecting = true;
      // A command on the slot follows the cluster's redirections, which updates `slots`.
      await withTimeout(CLUSTER_LOOKUP_MS, cluster.exists(channel)).catch(() => undefined);
      const server = cluster.slots[calculateSlot(channel)]?.[0];
      const { hostname, port } = new URL(server ? `redis://${withBrackets(server)}` : seeds[0]);
      const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || 6379 };
      const socket = seeds[0].startsWith('rediss:')
        ? connectTls({ ...address, servername: address.host })
        : connectTcp(address);
      this.stream = socket;
      socket.once('error', (error) => (this.firstError = error));
      if (!this.connecting) socket.destroy();
      return socket;
    }
  };

/** Returns `host:port` as it must stand in a URL: an IPv6 address in brackets. */
function withBrackets(address: string): string {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  return `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}${address.slice(colon)}`;
}
