import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { backOffice, call } from '../support/drivers/back-office.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/infrastructure/ports.js';
import { ADMIN_KEY, JWT_SECRET } from '../support/drivers/usher.js';

const PROGRAM = fileURLToPath(new URL('../support/server-with-acme.mjs', import.meta.url));

let database: TestDatabase;
let server: ChildProcess;
let url: string;
beforeAll(async () => {
  database = await createDatabase();
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  server = spawn(process.execPath, [PROGRAM], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'test',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: database.url,
      REDIS_URL: process.env.REDIS_URL,
      AUTH_JWT_SECRET: JWT_SECRET,
      ADMIN_KEY,
      DRAIN_SECONDS: '0',
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const isReady = () =>
    fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  // It is not bundled, so loading it takes long on a busy machine.
  await eventually('the server is ready', isReady, 60_000);
}, 90_000);
afterAll(async () => {
  const exit = once(server, 'exit');
  if (server.kill('SIGTERM')) await exit;
  await database.drop();
});

test('a processor that is added to the registry is served and documented, without a change anywhere else', async () => {
  const office = backOffice(url, ADMIN_KEY);
  await office.putPlan('basic', ['acme-basic']);
  const webhook = { id: 'acme-1', userId: 'ann', price: 'acme-basic' };
  const reply = await call(url, undefined, 'POST', '/v1/webhooks/acme', webhook);
  expect(reply).toMatchObject({ status: 200, body: { received: true, duplicate: false } });
  expect(await office.entitlement('ann')).toMatchObject({ status: 'active', planId: 'basic' });
  const document = (await call(url, undefined, 'GET', '/docs-json')).body as {
    paths: Record<string, { post: { parameters: { schema: { enum: string[] } }[] } }>;
  };
  const [parameter] = document.paths['/v1/webhooks/{processor}']?.post.parameters ?? [];
  expect(parameter?.schema.enum).toEqual(['stripe', 'standard', 'apple', 'google', 'acme']);
});
