import { z } from 'zod';

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

/** A list with commas between, not empty, of the allowed words. */
export const someOf = <const T extends readonly string[]>(allowed: T, fallback: T[number][]) =>
  list()
    .pipe(z.array(z.enum(allowed, { error: `may hold only ${allowed.join(', ')}` })).nonempty())
    .default(fallback as [T[number], ...T[number][]]);

const isUrl = (value: string, ...protocols: string[]): boolean =>
  URL.canParse(value) && protocols.includes(new URL(value).protocol);

/** A URL with one of the protocols, each given with its colon. */
export const url = (...protocols: string[]) =>
  z.string().refine((value) => isUrl(value, ...protocols), {
    error: `must be a URL that begins with ${protocols.map((name) => `${name}//`).join(' or ')}`,
  });

/**
 * One Redis server, or some servers of one cluster with commas between; the cluster itself provides the addresses of the
 * others.
 */
export const redisUrls = () =>
  z
    .string()
    .refine(
      (value) => split(value).length > 0 && split(value).every((one) => isUrl(one, 'redis:', 'rediss:')),
      {
        error:
          'must be a URL that begins with redis:// or rediss://, or several of one cluster with commas between',
        abort: true,
      },
    )
    .refine((value) => split(value).length === 1 || canBeOneCluster(split(value)), {
      error:
        'has several URLs, which must be servers of one cluster: the same protocol, user and password in each, and no database number',
    })
    .transform((value) => split(value) as [string, ...string[]]);

function canBeOneCluster(values: readonly string[]): boolean {
  const urls = values.map((value) => new URL(value));
  const logins = urls.map(({ protocol, username, password }) =>
    JSON.stringify([protocol, username, password]),
  );
  return new Set(logins).size === 1 && urls.every(({ pathname }) => /^\/?0?$/.test(pathname));
}
