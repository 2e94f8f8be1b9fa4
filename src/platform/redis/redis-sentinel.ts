import type { RedisOptions } from 'ioredis';
import { retryStrategy } from './redis-options.js';

const DEFAULT_PORT = 26_379;
const SENTINEL_TIMEOUT_MS = 2_000;
/** `redis+sentinel://user:password@host:26379,host2:26379/name`, or `rediss+sentinel://…` for TLS. */
const FORMAT =
  /^redis(?<tls>s?)\+sentinel:\/\/(?:(?<username>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^@/?#]+)\/(?<name>[\w.-]+)$/;
const HOST = /^(?<host>[\w.-]+|\[[\da-fA-F:]+\])(?::(?<port>\d{1,5}))?$/;

/** What a connection is made with. How replies are typed is left as it is. */
export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

/** Returns whether REDIS_URL names Sentinels rather than servers. */
export const isSentinelUrl = (url: string): boolean => /^rediss?\+sentinel:/.test(url);

/**
 * Returns the options with which a connection asks the Sentinels for the master each time it connects; undefined when the URL is not
 * one of Sentinels. User and password are those of the servers; the Sentinels are asked without. Sentinels close the connections of
 * a master that they make a replica. So ioredis' `failoverDetector` is not needed, and it would be harmful: when the Sentinels name
 * another master while a connection is being opened, that connection ends for ever (6.0.0).
 */
export function sentinelOptions(url: string): ConnectionOptions | undefined {
  const parts = FORMAT.exec(url)?.groups;
  if (!parts?.hosts || !parts.name) return undefined;
  const sentinels = parts.hosts.split(',').map(addressOf);
  if (sentinels.includes(undefined)) return undefined;
  const { username, password } = parts;
  return {
    sentinels: sentinels.filter((address) => address !== undefined),
    name: parts.name,
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(parts.tls && { tls: {}, enableTLSForSentinelMode: true, sentinelTLS: {} }),
    sentinelRetryStrategy: retryStrategy,
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    // A master that became a replica, of which the Sentinels have not said so yet: connect anew, by asking them.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

function addressOf(text: string): { host: string; port: number } | undefined {
  const parts = HOST.exec(text.trim())?.groups;
  if (!parts?.host) return undefined;
  return { host: parts.host.replace(/^\[|\]$/g, ''), port: Number(parts.port ?? DEFAULT_PORT) };
}
