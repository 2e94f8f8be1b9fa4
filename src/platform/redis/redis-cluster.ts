import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import calculateSlot from 'cluster-key-slot';
import { AbstractConnector, type ChainableCommander, Cluster, type Redis } from 'ioredis';
import { CLUSTER_OPTIONS, CLUSTER_LOOKUP_MS, type OPTIONS, retryStrategy } from './redis-options.js';
import { withTimeout } from '../scheduling/timeout.js';

/** One server or a cluster: the same commands, each of which names keys of one slot only. */
export type RedisClient = Redis | Cluster;

const DISCONNECT_MS = 2_000;

export interface RedisCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly tls?: Record<string, never>;
}

/** What every server of a cluster needs to let us in; the addresses of the others come from the cluster itself. */
export function redisCredentials([url]: readonly [string, ...string[]]): RedisCredentials {
  const { username, password, protocol } = new URL(url);
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}

export function openCluster(
  urls: readonly [string, ...string[]],
  redisOptions: typeof OPTIONS & { readonly connectionName: string },
): Cluster {
  return new Cluster([...urls], {
    ...CLUSTER_OPTIONS,
    clusterRetryStrategy: retryStrategy,
    // Connected before the first command, also to a replica that may be the master next: what is asked meanwhile is refused.
    redisOptions: { ...redisOptions, ...redisCredentials(urls), lazyConnect: false },
    // A certificate is for a name: the address that stands behind it would not match.
    ...(urls[0].startsWith('rediss:') && {
      dnsLookup: (address: string, done: (error: null, address: string) => void) => done(null, address),
    }),
  });
}

/** What to do with a key: one or more commands on it, the same for each key. */
export type KeyCommand = (pipeline: ChainableCommander, key: string) => unknown;
/** An error, or the reply of the first command. */
export type KeyOutcome = Error | { readonly reply: unknown };

/**
 * The commands for each key, in one round trip to each server that holds some of them, side by side. The outcomes are in the
 * order of the keys; the error of one says nothing about the others, for a cluster may be half away.
 */
export async function forEachKey(
  link: RedisClient,
  keys: readonly string[],
  command: KeyCommand,
): Promise<KeyOutcome[]> {
  const outcomes: KeyOutcome[] = Array.from({ length: keys.length });
  const run = async (places: readonly number[]) => {
    const replies = await oneTrip(
      link,
      places.map((place) => keys[place] as string),
      command,
    );
    places.forEach((place, index) => (outcomes[place] = replies[index] as KeyOutcome));
  };
  await Promise.all(byServer(link, keys).map(run));
  // Whatever it was, another server may hold these keys by now.
  if (link instanceof Cluster && outcomes.some((one) => one instanceof Error)) link.refreshSlotsCache();
  return outcomes;
}

async function oneTrip(
  link: RedisClient,
  keys: readonly string[],
  command: KeyCommand,
): Promise<KeyOutcome[]> {
  // A cluster's pipeline would wait until somebody is there.
  if (link.status !== 'ready') return keys.map(() => new Error('Redis is away'));
  const pipeline = link.pipeline();
  for (const key of keys) command(pipeline, key);
  const commands = pipeline.length / keys.length;
  const replies = await pipeline.exec().catch((error: Error) => error);
  return keys.map((_, index) => {
    if (!Array.isArray(replies)) return replies ?? new Error('no reply');
    const mine = replies.slice(index * commands, (index + 1) * commands);
    return mine.find(([error]) => error)?.[0] ?? { reply: mine[0]?.[1] };
  });
}

/** The places of the keys in the list, by the servers that hold them as far as is known. */
function byServer(link: RedisClient, keys: readonly string[]): number[][] {
  if (!(link instanceof Cluster)) return keys.length === 0 ? [] : [[...keys.keys()]];
  return grouped(keys, (key) => link.slots[calculateSlot(key)]?.join() ?? '');
}

/** The places of the keys in the list, by what one command of a cluster may name together. */
export const bySlot = (keys: readonly string[]): number[][] => grouped(keys, calculateSlot);

function grouped(keys: readonly string[], by: (key: string) => unknown): number[][] {
  const groups = new Map<unknown, number[]>();
  keys.forEach((key, place) => {
    const name = by(key);
    const group = groups.get(name);
    if (group) group.push(place);
    else groups.set(name, [place]);
  });
  return [...groups.values()];
}

/**
 * Leads a plain connection to the server that holds the slot of a channel, each time it connects: sharded pub/sub is heard
 * there alone. Never rejects, since ioredis would give up: when nobody knows, the first address is tried, whose refusal
 * (MOVED) ends the connection, and the next attempt asks again.
 */
export const slotConnector = (cluster: Cluster, channel: string, seeds: readonly [string, ...string[]]) =>
  class Home extends AbstractConnector {
    constructor() {
      super(DISCONNECT_MS);
    }

    async connect(): Promise<Socket> {
      this.connecting = true;
      // A command on the slot follows the cluster's redirections, and what it learnt is in `slots`.
      await withTimeout(CLUSTER_LOOKUP_MS, cluster.exists(channel)).catch(() => undefined);
      const known = cluster.slots[calculateSlot(channel)]?.[0];
      const { hostname, port } = new URL(known ? `redis://${bracketed(known)}` : seeds[0]);
      const to = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || 6379 };
      const socket = seeds[0].startsWith('rediss:')
        ? connectTls({ ...to, servername: to.host })
        : connectTcp(to);
      this.stream = socket;
      socket.once('error', (error) => (this.firstError = error));
      if (!this.connecting) socket.destroy();
      return socket;
    }
  };

/** `host:port` as a URL wants it: an IPv6 address in brackets. */
function bracketed(address: string): string {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  return `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}${address.slice(colon)}`;
}
