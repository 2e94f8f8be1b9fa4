import type { ClusterOptions, RedisOptions } from 'ioredis';

/**
 * Returns ms until the next attempt to connect: exponential backoff up to 2 s, with jitter so that nodes do not reconnect
 * together.
 */
export const retryStrategy = (attempt: number) =>
  Math.min(100 * 2 ** attempt, 2_000) * (0.5 + Math.random() / 2);

/**
 * For every connection. A dead connection must be noticed within seconds. A command whose reply was lost is not sent again,
 * since it may have been carried out: callers treat it as failed.
 */
export const CONNECTION_OPTIONS = {
  socketTimeout: 7_000,
  connectTimeout: 3_000,
  keepAlive: 5_000,
  commandTimeout: 2_000,
  disconnectTimeout: 500,
  maxRetriesPerRequest: 1,
  autoResendUnfulfilledCommands: false,
} satisfies RedisOptions;

/** With one server each connection reconnects by itself; with a cluster the cluster client replaces its connections. */
export const SINGLE_SERVER_OPTIONS = { enableOfflineQueue: false, retryStrategy } satisfies RedisOptions;

/**
 * A subscriber waits for its server as long as it takes; messages that it missed are read from the mailbox. createSubscriber
 * subscribes again after a reconnect, because ioredis would not do so for a channel whose slot moved to another server.
 */
export const SUBSCRIBER_OPTIONS = {
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  autoResubscribe: false,
  retryStrategy,
} satisfies RedisOptions;

/** How long a query about the cluster's slots may take. */
export const CLUSTER_LOOKUP_MS = 2_000;

/**
 * A failover is noticed by the first refused command, not by ioredis' periodic refresh, which can keep a disconnect waiting.
 * After a lost connection a command is not sent again (`retryDelayOnFailover: 0`): a message that was published twice would be
 * delivered twice.
 */
export const CLUSTER_OPTIONS = {
  enableOfflineQueue: false,
  maxRedirections: 4,
  retryDelayOnFailover: 0,
  slotsRefreshTimeout: CLUSTER_LOOKUP_MS,
} satisfies ClusterOptions;
