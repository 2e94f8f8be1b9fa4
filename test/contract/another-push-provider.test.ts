import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { AppModule } from '../../src/app.module.js';
import type { PushAddress } from '../../src/devices/push-address.schema.js';
import { readConfig } from '../../src/platform/config/config.js';
import { setUpHttp } from '../../src/platform/http/http-setup.js';
import type { PushMessage } from '../../src/push/providers/push-message.js';
import { PUSH_PROVIDERS, type PushProviderDefinition } from '../../src/push/providers/push-provider.js';
import { pushProviders } from '../../src/push/providers/registry.js';
import { DELIVERED } from '../../src/platform/sending/send-result.js';
import { backOffice, call } from '../support/drivers/back-office.js';
import { createDatabase, type TestDatabase } from '../support/infrastructure/database.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_KEY, JWT_SECRET, mintToken } from '../support/drivers/usher.js';

const received: PushMessage[] = [];
/** All that a new provider brings, besides the shape of its addresses in device requests. */
const pager: PushProviderDefinition = {
  name: 'pager',
  addressKinds: ['pager' as PushAddress['kind']],
  perMinute: () => 6_000,
  create: () => ({
    upstreamOf: () => 'pager',
    send: (message) => {
      received.push(message);
      return Promise.resolve(DELIVERED);
    },
    close: () => Promise.resolve(),
  }),
};

let database: TestDatabase;
let app: NestExpressApplication;
let url: string;
beforeAll(async () => {
  database = await createDatabase();
  const config = readConfig({
    NODE_ENV: 'test',
    ROLES: 'api,worker',
    DATABASE_URL: database.url,
    REDIS_URL: process.env.REDIS_URL,
    AUTH_JWT_SECRET: JWT_SECRET,
    ADMIN_KEY,
    ACK_TIMEOUT_SECONDS: '1',
    LOG_LEVEL: 'silent',
  });
  const module = await Test.createTestingModule({ imports: [AppModule.with(config)] })
    .overrideProvider(PUSH_PROVIDERS)
    .useValue([...pushProviders, pager])
    .compile();
  app = module.createNestApplication<NestExpressApplication>({
    bodyParser: false,
    forceCloseConnections: true,
  });
  setUpHttp(app, config);
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

test('a push provider that is one entry of the registry sends, settles, forecasts and is measured', async () => {
  const device = await call(url, await mintToken('ann'), 'PUT', '/v1/me/devices/ann-pager', {
    platform: 'tv',
  });
  expect(device.status).toBe(200);
  await database.query(
    `UPDATE device SET push = '{"kind":"pager","address":"5551234"}' WHERE device_id = 'ann-pager'`,
  );

  const office = backOffice(url, ADMIN_KEY);
  const event = {
    userId: 'ann',
    type: 'note.written',
    tier: 'critical',
    key: 'note',
    data: { title: 'Hello' },
  };
  expect((await office.publish([event])).status).toBeLessThan(300);

  await eventually('the pager has the message', () => received.length === 1);
  expect(received[0]).toMatchObject({
    to: { kind: 'pager', address: '5551234' },
    show: { title: 'Hello' },
    data: { type: 'note.written', userId: 'ann' },
  });
  await eventually('the push is settled', async () => {
    const [push] = await database.query<{ vendor: string; state: string }>('SELECT vendor, state FROM push');
    return push?.vendor === 'pager' && push.state === 'delivered';
  });
  const { body } = await office.call('GET', '/v1/push/forecast');
  expect(body).toMatchObject({
    vendors: expect.arrayContaining([expect.objectContaining({ vendor: 'pager', perSecond: 100 })]),
  });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('usher_push_sends_total{vendor="pager",result="delivered"} 1');
  expect(metrics).toContain('usher_push_circuits_open{vendor="pager"} 0');
});
