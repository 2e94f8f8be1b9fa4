import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { ConnectionLookupStore } from '../../../src/cluster/lookup/connection-lookup.store.js';
import { NodeChannelStore } from '../../../src/cluster/node-channel.store.js';
import { NodeRecoveryService } from '../../../src/cluster/node-recovery.service.js';
import { NodeRegistryService } from '../../../src/cluster/node-registry.service.js';
import { NodeStore } from '../../../src/cluster/node.store.js';
import { PresenceStore } from '../../../src/cluster/presence.store.js';
import type { Connection } from '../../../src/live/connection/connection.js';
import { ConnectionRegistryService } from '../../../src/live/connection/connection-registry.service.js';
import { GapFillerService } from '../../../src/live/maintenance/gap-filler.service.js';
import { MailboxFragments } from '../../../src/mailbox/mailbox.fragments.js';
import { MailboxStore } from '../../../src/mailbox/mailbox.store.js';
import type { Position } from '../../../src/mailbox/position.js';
import { MetricsService } from '../../../src/platform/metrics/metrics.service.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { redisKeys } from '../../../src/platform/redis/keys.js';
import { RedisService } from '../../../src/platform/redis/redis.service.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { createDatabase, type TestDatabase } from '../../support/infrastructure/database.js';
import { type FaultProxy, proxyDatabase } from '../../support/infrastructure/fault-proxy.js';

const USERS = Array.from({ length: 100_000 }, (_, n) => `user-${n}`);
const POSTGRES_MS = 200;
const NODE_TIMEOUT_MS = 5_000;
const INSTALLATION = `slow-recovery-${process.pid}`;
const DEADLINE_MS = 120_000;

let postgres: TestDatabase;
let proxy: FaultProxy;
let database: Database;
let redis: RedisService;
let server: Redis;
/** What the other nodes see. */
let others: NodeStore;
let node: NodeRegistryService;
let recovery: NodeRecoveryService;
let presence: PresenceStore;
const connections = new ConnectionRegistryService(new MetricsService());
/** Users whose devices were filled from the mailbox. */
const filled = new Set<string>();

beforeAll(async () => {
  Logger.overrideLogger(false);
  postgres = await createDatabase();
  await postgres.query(
    `INSERT INTO mailbox (user_id, epoch, last_offset, bucket)
     SELECT 'user-' || n, 'e', 2, bucket_of('user-' || n) FROM generate_series(0, $1 - 1) n`,
    [USERS.length],
  );
  // Half of it in either direction.
  const proxied = await proxyDatabase(postgres.url, { bytesPerSecond: 1e9, delayMs: POSTGRES_MS / 2 });
  proxy = proxied.proxy;
  database = new Database(testConfig({ DATABASE_URL: proxied.url }));
  redis = new RedisService(testConfig({ REDIS_URL: process.env.REDIS_URL ?? '' }));
  server = new Redis(process.env.REDIS_URL ?? '');
  others = new NodeStore(redis, INSTALLATION);
  presence = new PresenceStore(redis, INSTALLATION);
  recovery = new NodeRecoveryService(presence);
  node = new NodeRegistryService(
    others,
    recovery,
    new NodeChannelStore(redis, INSTALLATION),
    new ConnectionLookupStore(redis, INSTALLATION),
    new MetricsService(),
  );
  const gapFiller = new GapFillerService(
    {} as never,
    new MailboxStore(database, new MailboxFragments([])),
    connections,
    { fillGap: async ({ userId }: Connection) => void filled.add(userId) } as never,
    {} as never,
  );
  await node.join({
    users: () => connections.users(),
    connectedDevices: (userId) => connections.of(userId).map(({ deviceId }) => deviceId),
    deliver: () => undefined,
    disconnect: () => undefined,
    refreshBroadcasts: () => undefined,
    markApplied: () => undefined,
    describeConnections: () => [],
    fillGaps: (userIds) => gapFiller.fill(userIds),
  });
  for (const [n, userId] of USERS.entries()) connections.add(connectionOf(userId, n % 1_000 === 0 ? 1 : 2));
});
afterAll(async () => {
  await node.onApplicationShutdown();
  await recovery.onApplicationShutdown();
  const keys = await server.keys(`usher:${INSTALLATION}:*`);
  for (let start = 0; start < keys.length; start += 1_000) await server.del(keys.slice(start, start + 1_000));
  server.disconnect();
  redis.onApplicationShutdown();
  await database.onApplicationShutdown();
  await proxy.close();
  await postgres.drop();
});

/** Whether the other nodes take the node for alive. */
const isSeen = async () => (await others.heartbeat(undefined, NODE_TIMEOUT_MS)).nodes.includes(node.id);
/** Of a connection only this matters here: whose it is, and how far it has read. */
const connectionOf = (userId: string, offset: number): Connection =>
  ({
    userId,
    deviceId: 'tv',
    outbound: { isBehind: (head: Position) => head.offset > offset },
  }) as unknown as Connection;

describe(`a node with ${USERS.length} devices, when Redis forgot it and PostgreSQL answers in ${POSTGRES_MS} ms`, () => {
  test('never misses a heartbeat while it registers all users and fills all gaps, and comes to an end with both', async () => {
    await eventually('the registration of its start has ended', () => !recovery.isPresenceIncomplete);
    await server.del(redisKeys(INSTALLATION).nodes);
    await eventually('it is noticed', () => recovery.isPresenceIncomplete);
    const missed: string[] = [];
    let step = 'registering';
    const watch = setInterval(() => {
      // A look that fails says nothing.
      void isSeen().then(
        (seen) => !seen && missed.push(step),
        () => undefined,
      );
    }, 250);
    try {
      await eventually('all users are registered', () => !recovery.isPresenceIncomplete, DEADLINE_MS);
      step = 'filling gaps';
      await eventually('all gaps are filled', () => filled.size === 100, DEADLINE_MS);
    } finally {
      clearInterval(watch);
    }
    // A crowded machine may cost a moment. With the bulk work in the heartbeat's way 114 looks missed it.
    expect(missed.length).toBeLessThan(10);
    expect((await presence.nodesOf(USERS)).filter((nodes) => !nodes?.includes(node.id))).toEqual([]);
  }, 300_000);

  test('does not end when it receives what it cannot read', async () => {
    await others.send(node.id, 'critical', 'no message at all');
    await others.send(node.id, 'other', '!{');
    await eventually('it is seen', isSeen);
  });
});
