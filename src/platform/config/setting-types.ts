import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { isSentinelUrl, sentinelOptions } from '../redis/redis-sentinel.js';

/** Returns the parts of a list with commas between, without blanks and empty parts. */
const split = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part.length > 0);

/** Text that is not empty. */
export const text = () => z.string().min(1);

/** A list with commas between. */
export const list = () => z.string().transform(split);

/** A secret of at least this many bytes. */
export const secret = (bytes: number) =>
  z.string().refine((value) => Buffer.byteLength(value) >= bytes, {
    error: `must be at least ${bytes} bytes; \`openssl rand -base64 48\` makes one`,
  });

/** Secrets with commas between, for the time while one is replaced. */
export const secrets = (bytes: number) => list().pipe(z.array(secret(bytes)));

/** A whole number of seconds. */
export const seconds = (fallback: number, min: number, max: number) =>
  z.coerce
    .number({ error: 'must be a number of seconds' })
    .int('must be a whole number of seconds')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`)
    .default(fallback);

/** A whole number. */
export const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** A time zone of the IANA database. */
export const timeZone = (fallback: string) =>
  z
    .string()
    .refine((value) => value === 'UTC' || Intl.supportedValuesOf('timeZone').includes(value), {
      error: 'must be a name of the IANA time zone database, as Europe/Berlin',
    })
    .default(fallback);

const MAX_PROCESSES = 256;

/** A number of processes, or `auto`: as many as there are cores that this process may use. */
export const processes = () =>
  z
    .string()
    .refine((value) => value === 'auto' || isWholeNumber(value, 1, MAX_PROCESSES), {
      error: `must be auto, or a number from 1 to ${MAX_PROCESSES}`,
    })
    .default('1')
    .transform((value) => (value === 'auto' ? availableParallelism() : Number(value)));

const isWholeNumber = (value: string, min: number, max: number): boolean =>
  /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max;

/** A list with commas between, not empty, of the allowed words. */
export const someOf = <const T extends readonly string[]>(allowed: T, fallback: T[number][]) =>
  list()
    .pipe(z.array(z.enum(allowed, { error: `may hold only ${allowed.join(', ')}` })).nonempty())
    .default(fallback as [T[number], ...T[number][]]);

const NAMED_NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];
const MAX_PREFIX = { 4: 32, 6: 128 } as const;

/** Returns whether it is an IP address, or a network such as `10.0.0.0/8`. */
function isNetwork(value: string): boolean {
  const [address = '', prefix, ...more] = value.split('/');
  const family = isIP(address);
  if (family !== 4 && family !== 6) return false;
  return (
    prefix === undefined ||
    (more.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= MAX_PREFIX[family])
  );
}

/** Addresses and networks of proxies, with commas between, or the names that Express has for private networks. */
export const proxies = () =>
  list()
    .refine((all) => all.every((one) => NAMED_NETWORKS.includes(one) || isNetwork(one)), {
      error: `must be addresses or networks (10.0.0.0/8) with commas between, or ${NAMED_NETWORKS.join(', ')}`,
    })
    .default(NAMED_NETWORKS);

const isUrl = (value: string, ...protocols: string[]): boolean =>
  URL.canParse(value) && protocols.includes(new URL(value).protocol);

/** A URL with one of the protocols, each given with its colon. */
export const url = (...protocols: string[]) =>
  z.string().refine((value) => isUrl(value, ...protocols), {
    error: `must be a URL that begins with ${protocols.map((name) => `${name}//`).join(' or ')}`,
  });

/** An absolute URL, or a path of the node's own origin; without query, fragment and the slash at the end. */
export const urlOrPath = () =>
  z
    .string()
    .regex(
      /^(https?:\/)?\/[^\s?#]+$/,
      'must be a URL that begins with https:// or http://, or a path that begins with /',
    )
    .transform((value) => value.replace(/\/+$/, ''));

/**
 * One Redis server; or the Sentinels that know it, as one URL; or some servers of one cluster with commas between, which itself
 * provides the addresses of the others.
 */
export const redisUrls = () =>
  z
    .string()
    .transform((value) => (isSentinelUrl(value) ? [value] : split(value)) as [string, ...string[]])
    .refine(
      (urls) => urls.length > 0 && urls.every((one) => isSentinelUrl(one) || isUrl(one, 'redis:', 'rediss:')),
      {
        error:
          'must be a URL that begins with redis:// or rediss://, or several of one cluster with commas between, or redis+sentinel:// for Sentinels',
        abort: true,
      },
    )
    .refine((urls) => urls.every((one) => !isSentinelUrl(one) || namesSentinels(one)), {
      error:
        'must name Sentinels and the master: redis+sentinel://user:password@host:26379,host2:26379/mymaster',
      abort: true,
    })
    .refine((urls) => urls.length === 1 || canBeOneCluster(urls), {
      error:
        'has several URLs, which must be servers of one cluster: the same protocol, user and password in each, and no database number',
    });

function namesSentinels(url: string): boolean {
  try {
    return sentinelOptions(url) !== undefined;
  } catch {
    return false; // a user or password that is not percent-encoded
  }
}

function canBeOneCluster(values: readonly string[]): boolean {
  const urls = values.map((value) => new URL(value));
  const logins = urls.map(({ protocol, username, password }) =>
    JSON.stringify([protocol, username, password]),
  );
  return new Set(logins).size === 1 && urls.every(({ pathname }) => /^\/?0?$/.test(pathname));
}
