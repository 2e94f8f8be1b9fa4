import type { Cli } from '../cli.js';
import type { Check } from './check.js';
import { checkNode, checkWebhooks } from './node-check.js';
import { checkPostgres } from './postgres-check.js';
import { checkRedis } from './redis-check.js';
import { checkSettings, type Environment, knownSettings } from './settings-check.js';
import { checkTls } from './tls-check.js';
import { checkAppleRoots, checkKeyServer, vendorEndpoints } from './vendors.js';

const NOTHING: Promise<Check[]> = Promise.resolve([]);

/** Everything is looked at side by side; the results are in the order in which one thing depends on another. */
export async function examine(cli: Cli): Promise<Check[]> {
  const { settings, terminal } = cli;
  const env = environmentOf(cli);
  const config = knownSettings(env);
  const hasKey = settings.get('USHER_SERVICE_KEY') !== undefined;
  const found = await Promise.all([
    config.DATABASE_URL === undefined ? NOTHING : checkPostgres(config.DATABASE_URL),
    config.REDIS_URL === undefined ? NOTHING : checkRedis(config.REDIS_URL),
    config.AUTH_JWKS_URL === undefined ? NOTHING : checkKeyServer(config.AUTH_JWKS_URL),
    Promise.all(vendorEndpoints(config).map(checkTls)),
    checkNode(settings.url, terminal.signal),
    settings.url.startsWith('https:') ? checkTls({ name: 'node', url: settings.url }) : NOTHING,
    hasKey ? checkWebhooks(cli.api) : NOTHING,
  ]);
  return [checkSettings(env), checkAppleRoots(config.APPLE_ROOT_CERTIFICATES ?? []), ...found].flat();
}

/** The environment of the server; what `npm start` made up, and the server therefore has, is in .usher/env under other names. */
function environmentOf({ settings, terminal: { env } }: Cli): Environment {
  const made: Environment = {
    DATABASE_URL: settings.get('USHER_DATABASE_URL'),
    REDIS_URL: settings.get('USHER_REDIS_URL'),
    AUTH_JWT_SECRET: env['AUTH_JWKS_URL'] ? undefined : settings.get('USHER_JWT_SECRET'),
    STRIPE_WEBHOOK_SECRET: settings.get('STRIPE_WEBHOOK_SECRET'),
    STANDARD_WEBHOOK_SECRET: settings.get('STANDARD_WEBHOOK_SECRET'),
  };
  const given = Object.entries(env).filter(([, value]) => value !== undefined && value !== '');
  return {
    ...made,
    ...((made['DATABASE_URL'] ?? made['REDIS_URL']) !== undefined && { NODE_ENV: 'development' }),
    ...Object.fromEntries(given),
  };
}
