import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { OverviewStore } from '../../../src/operations/overview.store.js';
import { Database } from '../../../src/platform/postgres/database.js';
import { testConfig } from '../../support/config.js';
import { connectEdge } from '../../support/drivers/edge-socket.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog } from '../../support/expectations.js';
import { createDatabase } from '../../support/infrastructure/database.js';

type Body = Record<string, unknown>;
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher();
  await usher.stripe.sendEvent('customer.subscription.created');
});
afterAll(() => usher.stop());

describe('the overview', () => {
  test('has every node with its version, roles and sockets, those without sockets too, and not one that has ended', async () => {
    const worker = await usher.another({ ROLES: 'worker' });
    await usher.device('looked-at', 'tv');
    const nodes = async () => (await usher.backOffice.get('/v1/operations/overview')).nodes as Body[];
    const rolesOf = (all: Body[]) => all.map(({ roles }) => (roles as string[]).toSorted().join());
    await eventually(
      'both nodes are there',
      async () => (await nodes()).some(({ sockets }) => sockets === 1) && (await nodes()).length === 2,
    );
    expect(rolesOf(await nodes()).toSorted()).toEqual(['api,gateway,worker', 'worker']);
    for (const node of await nodes())
      expect(node).toEqual({
        id: expect.stringMatching(/^[0-9a-f]{12}$/),
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        host: expect.stringMatching(/./),
        roles: expect.any(Array),
        since: TIME,
        state: 'accepting',
        loadLevel: expect.any(Number),
        sockets: expect.any(Number),
        edges: expect.any(Number),
      });
    expect((await usher.backOffice.get('/v1/operations/overview')).total).toMatchObject({
      nodes: 2,
      sockets: 1,
      edges: 0,
    });
    await worker.stop();
    await eventually('the node is gone', async () => (await nodes()).length === 1);
  });

  test('says what waits, and how long each processor has been silent', async () => {
    const { at, handoffs, push, webhooks } = await usher.backOffice.get('/v1/operations/overview');
    expect(at).toEqual(TIME);
    expect(Object.keys(handoffs as Body)).toEqual(['critical', 'important']);
    expect((push as Body[]).map(({ vendor }) => vendor)).toEqual(['apns', 'fcm', 'webpush']);
    const { processors } = webhooks as { processors: Body[] };
    expect(processors.map(({ processor }) => processor)).toEqual(['stripe']);
    expect(processors[0]?.silentSeconds).toBeLessThan(300);
  });

  test('counts the seconds since the oldest of each kind came', async () => {
    const database = await createDatabase();
    const connections = new Database(testConfig({ DATABASE_URL: database.url }));
    const read = () => new OverviewStore(connections).readBacklog(['stripe', 'google'], ['apns', 'fcm']);
    const nothing = {
      handoffs: { critical: null, important: null },
      pushes: [],
      pauses: [],
      processors: [],
    };
    expect(await read()).toEqual({ ...nothing, waiting: { count: 0, seconds: null } });
    await database.query(
      `INSERT INTO handoff (id, consumer, tier, positions, created_at)
       SELECT gen_random_uuid(), 'delivery', 'critical', '[]', now() - n * interval '1 minute' FROM generate_series(1, 3) AS n`,
    );
    await database.query(
      `INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, expires_at, due_at, bucket)
       SELECT 'ada', 'tv', gen_random_uuid(), 'k', 'a.b', 'important', 'e', 1, 'fcm', now(), now() - n * interval '1 minute', 1
       FROM generate_series(-1, 2) AS n`,
    );
    await database.query(
      `INSERT INTO webhook (processor, event_id, type, status, created_at, received_at)
       SELECT 'stripe', status, 'a.b', status, now(), now() - minutes * interval '1 minute'
       FROM (VALUES ('failed', 10), ('waiting', 5), ('applied', 1)) AS w (status, minutes)`,
    );
    const backlog = await read();
    const around = (seconds: number) => expect.closeTo(seconds, -2);
    expect(backlog).toEqual({
      handoffs: { critical: around(180), important: null },
      pushes: [{ vendor: 'fcm', tier: 'important', seconds: around(120) }],
      pauses: [],
      processors: [
        {
          processor: 'stripe',
          silentSeconds: around(60),
          usualSeconds: around(300),
          failingSeconds: around(600),
        },
      ],
      waiting: { count: 1, seconds: around(300) },
    });
    await connections.onApplicationShutdown();
    await database.drop();
  });

  test('has a list of the edge nodes that are connected', async () => {
    const edge = await connectEdge(usher.url, ADMIN_KEY, { edgeId: 'edge-fra-1' });
    const edges = async () => (await usher.backOffice.get('/v1/edges')).edges as Body[];
    const counted = async () => ((await usher.backOffice.get('/v1/operations/overview')).total as Body).edges;
    await eventually('the overview counts it', async () => (await counted()) === 1);
    const [found] = await eventually('it is listed', async () => {
      const all = await edges();
      return all.length === 1 && all;
    });
    const [node] = (await usher.backOffice.get('/v1/operations/overview')).nodes as Body[];
    expect(found).toEqual({ edgeId: 'edge-fra-1', nodeId: node?.id, since: TIME });
    edge.close();
    await eventually('it is gone', async () => (await edges()).length === 0);
  });
});

test('the log contains no secrets', () => {
  expectCleanLog(usher);
});
