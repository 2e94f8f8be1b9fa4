/*
 * What `npm start` fills in so that a newcomer needs no configuration: keys and secrets, made once by chance and kept for the
 * next start in a file that only this account can read. In production nothing is made up: there a missing secret must stop
 * the boot, for one that appeared by itself would be known to nobody and different on each node.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentFile, stateFolder } from './places.mjs';

const demoUser = 'demo';
const tokenLife = 30 * 24 * 3600; // seconds

export function isProduction(environment = process.env) {
  return environment.NODE_ENV === 'production';
}

/** The variables that the environment leaves unset. */
export function developmentDefaults(environment = process.env) {
  if (isProduction(environment)) return {};
  const secrets = keptSecrets();
  if (environment.AUTH_JWKS_URL) delete secrets.AUTH_JWT_SECRET;
  // The page gives tokens to whoever asks, so nobody beyond this machine may ask; HOST=0.0.0.0 lets a real phone in.
  const defaults = {
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    DRAIN_SECONDS: '1',
    CONSOLE: 'on',
    // The page's clock is moved to 16:59, and whoever looks at it does not wait for half an hour.
    DIGEST_WINDOW_MINUTES: '0',
    ...secrets,
  };
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => !environment[name]));
}

/** A token of the user `demo`, or null when tokens are signed by somebody else (AUTH_JWKS_URL). */
export function demoToken(environment) {
  if (!environment.AUTH_JWT_SECRET) return null;
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub: demoUser,
    aud: environment.AUTH_JWT_AUDIENCE || 'usher',
    ...(environment.AUTH_JWT_ISSUER && { iss: environment.AUTH_JWT_ISSUER }),
    iat: now,
    exp: now + tokenLife,
  };
  return signToken(claims, environment.AUTH_JWT_SECRET);
}

/** Returns a JWT with these claims, signed with HS256. */
export function signToken(claims, secret) {
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/**
 * What the command line and examples need, as a file for a shell (`set -a; . .usher/env`). The names are not those of the server's
 * settings, but for the secrets of webhooks: `npm start` in that shell must not take its own databases for somebody else's. A secret that
 * the environment brought is not written: whoever keeps it elsewhere does not want it here.
 */
export function environmentLines(environment, url, given = process.env) {
  const made = (name) => (given[name] ? undefined : environment[name]);
  const variables = {
    USHER_URL: url,
    USHER_SERVICE_KEY: made('ADMIN_KEY'),
    USHER_TOKEN: demoToken(environment) ?? undefined,
    USHER_JWT_SECRET: environment.AUTH_JWKS_URL ? undefined : made('AUTH_JWT_SECRET'),
    STRIPE_WEBHOOK_SECRET: made('STRIPE_WEBHOOK_SECRET'),
    STANDARD_WEBHOOK_SECRET: made('STANDARD_WEBHOOK_SECRET'),
    USHER_DATABASE_URL: made('DATABASE_URL'),
    USHER_REDIS_URL: made('REDIS_URL'),
  };
  const lines = Object.entries(variables)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}='${String(value).replaceAll("'", `'\\''`)}'`);
  return ['# Written by `npm start`, anew each time. It holds secrets of this machine.', ...lines, ''].join(
    '\n',
  );
}

/** Writes `.usher/env`. In production nothing is written: secrets have no business on a node's disk. */
export function writeEnvironmentFile(environment, url) {
  if (isProduction(environment)) return;
  const file = environmentFile();
  writeFileSync(`${file}.new`, environmentLines(environment, url), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function keptSecrets() {
  const file = join(stateFolder(), 'dev-secrets.json');
  const kept = readOrNothing(file);
  const secrets = { ...freshSecrets(), ...kept };
  if (Object.keys(secrets).length > Object.keys(kept).length) {
    writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return secrets;
}

function freshSecrets() {
  return {
    ADMIN_KEY: `usher_dev_${randomBytes(24).toString('base64url')}`,
    AUTH_JWT_SECRET: randomBytes(48).toString('base64url'),
    STRIPE_WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('hex')}`,
    STANDARD_WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
    CONTACT_KEY: randomBytes(48).toString('base64url'),
  };
}

function readOrNothing(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}
