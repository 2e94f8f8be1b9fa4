import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { AppModule } from '../../../src/app.module.js';
import { PlansService } from '../../../src/membership/plans/plans.service.js';
import type {
  Processor,
  ProcessorUpdate,
  SubscriptionUpdate,
} from '../../../src/membership/processors/processor.js';
import { PROCESSORS_BY_NAME } from '../../../src/membership/processors/processors.service.js';
import { WebhookQueueStore } from '../../../src/membership/webhooks/webhook-queue.store.js';
import { WebhookDispatchService } from '../../../src/membership/webhooks/webhook-dispatch.service.js';
import { WebhooksService } from '../../../src/membership/webhooks/webhooks.service.js';
import { byTest } from '../audit.js';
import { testConfig } from '../config.js';
import { createDatabase, type TestDatabase } from '../infrastructure/database.js';

/** What the processor returns for a lookup; by default an active subscription of the user that its id names. */
type Lookup = (subscriptionId: string) => Promise<SubscriptionUpdate | undefined>;

export const activeOf = (subscriptionId: string): SubscriptionUpdate => ({
  kind: 'subscription',
  subscriptionId,
  customerId: `customer-of-${subscriptionId}`,
  userId: subscriptionId.startsWith('linked') ? undefined : `user-of-${subscriptionId}`,
  status: 'active',
  priceIds: ['price'],
  effectiveAt: new Date(),
  cancelAt: null,
  ended: false,
  asOf: new Date(),
  object: {},
  follows: () => false,
});

/** The API of acme: what it returns, and what it was asked for since the test began. */
export const acmeApi: { lookup: Lookup; lookups: string[] } = {
  lookup: () => Promise.resolve(undefined),
  lookups: [],
};
export let database: TestDatabase;
const workers: TestingModule[] = [];

/** A processor that can be asked: its webhooks only name a subscription. */
const acme = {
  api: {
    budget: { perSecond: 1_000, burst: 1_000 },
    fetch: (subscriptionId: string) => {
      acmeApi.lookups.push(subscriptionId);
      return acmeApi.lookup(subscriptionId);
    },
  },
  verify: (body: Buffer) => ({
    eventId: (JSON.parse(body.toString()) as { id: string }).id,
    type: 'changed',
    createdAt: new Date(),
    payload: body.toString(),
  }),
  read: (payload: unknown): ProcessorUpdate => ({
    kind: 'hint',
    subscriptionId: (payload as { subscriptionId: string }).subscriptionId,
  }),
} satisfies Processor;

/** A processor that cannot be asked: its webhooks contain the state. */
const plain = {
  verify: acme.verify,
  read: (payload: unknown): ProcessorUpdate => {
    const state = payload as Partial<SubscriptionUpdate>;
    if (state.subscriptionId === undefined) throw new TypeError('a fault of this processor’s mapper');
    return { ...activeOf(state.subscriptionId), ...state };
  },
} satisfies Processor;

async function createWorker(): Promise<TestingModule> {
  const config = testConfig({
    DATABASE_URL: database.url,
    REDIS_URL: process.env.REDIS_URL ?? '',
    LOG_LEVEL: 'silent',
    ROLES: 'api',
  });
  return Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(PROCESSORS_BY_NAME)
    .useValue(
      new Map<string, Processor>([
        ['acme', acme],
        ['plain', plain],
      ]),
    )
    .compile();
}

/** Starts two workers on one database for the tests of the file that calls it. After each test no webhook is left. */
export function useWebhookWorkers(): void {
  beforeAll(async () => {
    database = await createDatabase();
    workers.push(await createWorker(), await createWorker());
    await serviceOf(0, PlansService).put(
      'plan',
      { name: 'Plan', prices: ['price'], capabilities: { streaming: true } } as never,
      byTest,
    );
  }, 60_000);
  afterAll(async () => {
    for (const worker of workers) await worker.close();
    await database.drop();
  });
  beforeEach(() => {
    acmeApi.lookups = [];
    acmeApi.lookup = (id) => Promise.resolve(activeOf(id));
  });
  afterEach(() => database.query('DELETE FROM webhook'));
}

/** A service of the worker with that number, 0 or 1. */
export function serviceOf<Service>(worker: number, type: Type<Service>): Service {
  const module = workers[worker];
  if (!module) throw new Error(`there is no worker ${worker}`);
  return module.get(type);
}
const webhooksOf = (worker: number) => serviceOf(worker, WebhooksService);
/** Applies what is due of that processor's webhooks. */
export const applyLeftOver = (worker: number, processor = 'acme') =>
  serviceOf(worker, WebhookDispatchService).applyLeftOver(processor);
export const queueOf = (worker: number) => serviceOf(worker, WebhookQueueStore);
/** Receives a webhook of acme that names the subscription. */
export const receive = (eventId: string, subscriptionId: string, worker = 0) =>
  webhooksOf(worker).receive('acme', Buffer.from(JSON.stringify({ id: eventId, subscriptionId })), {});
/** As SQL: due by now. The column rounds to milliseconds, and `now()` up to half of one into the future. */
export const DUE = `now() - interval '1 millisecond'`;
/** As if its node had died, or its pause were over. */
export const makeDue = () => database.query(`UPDATE webhook SET next_attempt_at = ${DUE}`);
/** Stores so many webhooks of acme, received a minute ago and due. */
export const insertStored = (count: number, subscriptionId: (n: number) => string) =>
  database.query(
    `INSERT INTO webhook (processor, event_id, type, status, payload, created_at, subscription_id, received_at, next_attempt_at)
     SELECT 'acme', 'event ' || n, 'changed', 'stored', json_build_object('id', 'event ' || n, 'subscriptionId', id), now(), id,
       now() - interval '1 minute', ${DUE} FROM unnest($1::text[]) WITH ORDINALITY AS s (id, n)`,
    [Array.from({ length: count }, (_, n) => subscriptionId(n))],
  );
export const statusOf = async (eventId: string) => {
  const [row] = await database.query<{
    status: string;
    reason: string | null;
    attempts: number;
    pause: number;
  }>(
    `SELECT status, reason, attempts, extract(epoch FROM next_attempt_at - now())::float8 AS pause FROM webhook WHERE event_id = $1`,
    [eventId],
  );
  return row;
};
export const countByStatus = async () => {
  const rows = await database.query<{ status: string; n: number }>(
    'SELECT status, count(*)::int AS n FROM webhook GROUP BY status',
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
};
export const membershipStatus = async (userId: string) =>
  (await database.query<{ status: string }>('SELECT status FROM membership WHERE user_id = $1', [userId]))[0]
    ?.status;
