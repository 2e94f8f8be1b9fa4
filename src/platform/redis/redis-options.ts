import type { ClusterOptions, RedisOptions } from 'ioredis';

export const retryStrategy = (attempt: number) =>
  Math.min(100 * 2 ** attempt, 2_000) * (0.5 + Math.random() / 2);

/** RELIABILITY.md, section 6: a dead link must be noticed, and a lost reply must not become a second command. */
export const OPTIONS = {
  socketTimeout: 7_000,
  connectTimeout: 3_000,
  keepAlive: 5_000,
  commandTimeout: 2_000,
  disconnectTimeout: 500,
  maxRetriesPerRequest: 1,
  autoResendUnfulfilledCommands: false,
} satisfies RedisOptions;

/** One server's connections come back by themselves; those to a cluster's are made anew by the cluster client. */
export const SINGLE_SERVER = { enableOfflineQueue: false, retryStrategy } satisfies RedisOptions;

/**
 * A subscriber waits for its server as long as it takes; what it missed is filled from the mailbox. It subscribes anew by
 * itself (openSubscriber): ioredis would forget a channel whose slot moved.
 */
export const SUBSCRIBER = {
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  autoResubscribe: false,
  retryStrategy,
} satisfies RedisOptions;

/** How long a question about the cluster itself may take. */
export const CLUSTER_LOOKUP_MS = 2_000;

/**
 * A failover is noticed by the first refused command (ioredis' look every few seconds would outlive a disconnect that meets
 * it under way). A command is not sent again when its connection ended (`retryDelayOnFailover`): what was published twice
 * would be told twice.
 */
export const CLUSTER_OPTIONS = {
  enableOfflineQueue: false,
  maxRedirections: 4,
  retryDelayOnFailover: 0,
  slotsRefreshTimeout: CLUSTER_LOOKUP_MS,
} satisfies ClusterOptions;
