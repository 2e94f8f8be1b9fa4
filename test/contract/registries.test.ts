import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { PushMessage } from '../../src/push/providers/push-message.js';
import { call } from '../support/drivers/back-office.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';

const PROGRAM = fileURLToPath(new URL('../support/server-with-additions.mjs', import.meta.url));

let usher: TestUsher;
beforeAll(async () => {
  usher = await startUsher({ ACK_TIMEOUT_SECONDS: '1' }, undefined, PROGRAM);
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

test('a push provider that is one entry of the registry sends, settles, forecasts and is measured', async () => {
  expect((await usher.callAs('bea', 'PUT', '/v1/me/devices/pager', { platform: 'tv' })).status).toBe(200);
  await usher.database.query(
    `UPDATE device SET push = '{"kind":"pager","address":"5551234"}' WHERE user_id = 'bea'`,
  );
  const event = { userId: 'bea', type: 'note.written', tier: 'critical', key: 'note' };
  const published = await usher.backOffice.publish([{ ...event, data: { title: 'Hello' } }]);
  expect(published.status).toBeLessThan(300);
  const paged = (): PushMessage[] =>
    [...usher.log().matchAll(/^paged (.*)$/gm)].map(([, json = '']) => JSON.parse(json) as PushMessage);
  await eventually('the pager has the message', () => paged().length === 1);
  expect(paged()[0]).toMatchObject({
    to: { kind: 'pager', address: '5551234' },
    show: { title: 'Hello' },
    data: { type: 'note.written', userId: 'bea' },
  });
  await eventually('the push is settled', async () => {
    const [push] = await usher.database.query<{ vendor: string; state: string }>(
      `SELECT vendor, state FROM push WHERE user_id = 'bea'`,
    );
    return push?.vendor === 'pager' && push.state === 'delivered';
  });
  const { body } = await usher.backOffice.call('GET', '/v1/push/forecast');
  expect(body).toMatchObject({
    vendors: expect.arrayContaining([expect.objectContaining({ vendor: 'pager', perSecond: 100 })]),
  });
  const metrics = await (await fetch(`${usher.url}/metrics`)).text();
  expect(metrics).toContain('usher_push_sends_total{vendor="pager",result="delivered"} 1');
  expect(metrics).toContain('usher_push_circuits_open{vendor="pager"} 0');
});
