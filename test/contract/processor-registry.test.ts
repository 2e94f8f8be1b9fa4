import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call } from '../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

const PROGRAM = fileURLToPath(new URL('../support/server-with-acme.mjs', import.meta.url));

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({}, undefined, PROGRAM);
});
afterAll(() => usher.stop());

test('a processor that is added to the registry is served and documented, without a change anywhere else', async () => {
  await usher.backOffice.putPlan('basic', ['acme-basic']);
  const webhook = { id: 'acme-1', userId: 'ann', price: 'acme-basic' };
  const reply = await call(usher.url, undefined, 'POST', '/v1/webhooks/acme', webhook);
  expect(reply).toMatchObject({ status: 200, body: { received: true, duplicate: false } });
  expect(await usher.backOffice.entitlement('ann')).toMatchObject({ status: 'active', planId: 'basic' });
  const document = (await call(usher.url, undefined, 'GET', '/docs-json')).body as {
    paths: Record<string, { post: { parameters: { schema: { enum: string[] } }[] } }>;
  };
  const [parameter] = document.paths['/v1/webhooks/{processor}']?.post.parameters ?? [];
  expect(parameter?.schema.enum).toEqual(['stripe', 'standard', 'apple', 'google', 'acme']);
});
