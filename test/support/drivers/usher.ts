import { SignJWT } from 'jose';
import { randomUUID } from 'node:crypto';
import { eventually } from '../eventually.js';
import { createDatabase, type TestDatabase } from '../infrastructure/database.js';
import { freePort, isListening } from '../infrastructure/ports.js';
import { type NodeProcess, startNode } from '../nodes/node-process.js';
import { backOffice, type BackOffice, call, type HttpReply } from './back-office.js';
import { connectDevice, type Device, type DeviceOptions } from './device.js';
import { type StripeWebhooks, stripeWebhooks } from './stripe-webhooks.js';

/** How long a node may take to get ready, on two cores with ten times as much to do. */
const BOOT_MS = 45_000;
export const JWT_SECRET = 'a secret that only the tests know, 32 bytes or more';
export const ADMIN_KEY = 'usher_test_admin_key_0123456789';
export const CONTACT_KEY = 'encrypts the addresses of the tests with 32 bytes or more';
export const STRIPE_SECRET = 'whsec_the_tests_stripe_secret';

export interface TokenOptions {
  readonly expiresIn?: string | number;
  readonly audience?: string;
  readonly secret?: string;
  /** `jti` */
  readonly id?: string;
  /** `iat`, in seconds; now by default. */
  readonly issuedAt?: number;
}

/** The body of `GET /v1/me/state`. */
export interface UserState {
  readonly position: { readonly epoch: string; readonly offset: number };
  readonly membership: Record<string, unknown>;
  readonly playback: Record<string, unknown>[];
  readonly recommendations: unknown[];
  readonly entries: Record<string, unknown>[];
}

/** A running node with its own database, used through its public API. `database` is for what the API would show too late. */
export interface TestUsher {
  readonly url: string;
  readonly database: TestDatabase;
  readonly backOffice: BackOffice;
  readonly stripe: StripeWebhooks;
  token(userId: string, options?: TokenOptions): Promise<string>;
  /** Sends a request with a token of the user. */
  callAs(
    userId: string,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<HttpReply>;
  /** Returns what `GET /v1/me/state` returns for the user. */
  state(userId: string): Promise<UserState>;
  /** Connects a device of the user. It is closed by `stop`. */
  device(userId: string, deviceId: string, options?: DeviceOptions): Promise<Device>;
  /** Returns the secrets that must never be logged, by name: the keys, and every token that it signed. */
  secrets(): Record<string, string>;
  /** Returns everything that the node logged so far. */
  log(): string;
  /** Starts another node on the same database. */
  another(environment?: Record<string, string>): Promise<TestUsher>;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** The exit code or signal of the process; undefined while it runs. */
  readonly exited: string | undefined;
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * Starts a node of `dist/`, or of another program, on the given database or a new one. `stop` in afterAll ends it and drops the database.
 */
export async function startUsher(
  environment: Record<string, string> = {},
  given?: TestDatabase,
  program?: string,
): Promise<TestUsher> {
  const database = given ?? (await createDatabase());
  return startOn(database, environment, () => database.drop(), program);
}

async function startOn(
  database: TestDatabase,
  environment: Record<string, string>,
  release: () => Promise<void>,
  program?: string,
): Promise<TestUsher> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const node = await startNode({ ...settingsOf(database, port), ...environment }, program);
  // Of several processes the first starts alone, and the others after it.
  await ready(node, url, environment.PROCESSES === undefined ? BOOT_MS : 2 * BOOT_MS);
  const devices: Device[] = [];
  const extras: TestUsher[] = [];
  const tokens: string[] = [];
  const token = async (userId: string, options?: TokenOptions) => {
    const signed = await mintToken(userId, options);
    tokens.push(signed);
    return signed;
  };
  const callAs: TestUsher['callAs'] = async (userId, ...request) =>
    call(url, await token(userId), ...request);
  return {
    url,
    database,
    backOffice: backOffice(url, ADMIN_KEY),
    stripe: stripeWebhooks(url, STRIPE_SECRET),
    token,
    callAs,
    state: async (userId) => (await callAs(userId, 'GET', '/v1/me/state')).body as unknown as UserState,
    secrets: () => ({
      ADMIN_KEY,
      JWT_SECRET,
      STRIPE_SECRET,
      CONTACT_KEY,
      ...Object.fromEntries(tokens.map((one, n) => [`token ${n}`, one])),
    }),
    log: () => node.log(),
    async device(userId, deviceId, options = {}) {
      const device = await connectDevice(url, deviceId, {
        ...options,
        token: options.token ?? (await token(userId)),
      });
      devices.push(device);
      return device;
    },
    async another(more = {}) {
      const other = await startOn(database, { ...environment, ...more }, () => Promise.resolve());
      extras.push(other);
      return other;
    },
    kill: (signal) => node.kill(signal),
    get exited() {
      return node.exited;
    },
    pid: node.pid,
    async stop() {
      for (const device of devices) device.close();
      for (const other of extras) await other.stop();
      if (node.exited === undefined) await node.close();
      await release();
    },
  };
}

/** The settings of a node that says nothing else. */
const settingsOf = (database: TestDatabase, port: number): Record<string, string | undefined> => ({
  PATH: process.env.PATH,
  NODE_ENV: 'test',
  HOST: '127.0.0.1',
  PORT: String(port),
  DATABASE_URL: database.url,
  REDIS_URL: process.env.REDIS_URL,
  AUTH_JWT_SECRET: JWT_SECRET,
  ADMIN_KEY,
  STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
  CONTACT_KEY,
  DRAIN_SECONDS: '0',
  LOG_LEVEL: 'debug',
  ...(process.env.USHER_SOCKETS && { SOCKETS: process.env.USHER_SOCKETS }),
  // A test asks again and again, as one user, until something has happened.
  USER_CALLS_PER_SECOND: '10000',
});

/** Returns a signed user token, good for an hour by default. */
export function mintToken(userId: string, options: TokenOptions = {}): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setAudience(options.audience ?? 'usher')
    .setIssuedAt(options.issuedAt)
    .setJti(options.id ?? randomUUID())
    .setExpirationTime(options.expiresIn ?? '1h')
    .sign(new TextEncoder().encode(options.secret ?? JWT_SECRET));
}

async function ready(node: NodeProcess, url: string, deadlineMs: number): Promise<void> {
  await eventually(
    'the node is ready',
    async () => {
      if (node.exited !== undefined) throw new Error(`the node ended at boot:\n${node.log()}`);
      // A node does not listen for most of its boot, and a refused connection costs less than a request that fails.
      if (!(await isListening(Number(new URL(url).port)))) return false;
      return fetch(`${url}/health/ready`).then(
        (response) => response.ok,
        () => false,
      );
    },
    deadlineMs,
  ).catch(async (error: Error) => {
    await node.kill('SIGKILL');
    throw new Error(`${error.message}:\n${node.log()}`);
  });
}
