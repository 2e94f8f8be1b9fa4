import { describe, expect, test } from '@jest/globals';
import { request } from 'undici';
import type { PushAddress } from '../../../src/devices/push-address.schema.js';
import { SsrfSafeAgent } from '../../../src/push/providers/webpush/ssrf-safe-agent.js';
import { testConfig } from '../../support/config.js';
import {
  createSender,
  last,
  pushMessage,
  expectNoSecretLogged,
  WEBPUSH,
  webPush,
  useFakeProviders,
} from './push-providers.js';

useFakeProviders();

describe('webpush', () => {
  test('encrypts a push so that only the browser can read it', async () => {
    const expiresAt = new Date(Date.now() + 60_000);
    const sent = pushMessage(webPush.subscribe(), { collapseId: 'membership', badge: 1, expiresAt });
    expect(await createSender(WEBPUSH).send(sent)).toEqual({ is: 'delivered' });
    const { address, headers, payload } = last(webPush.accepted);
    expect(address).toBe(sent.to.address);
    expect(headers).toMatchObject({
      urgency: 'high',
      ttl: expect.stringMatching(/^(59|60)$/),
      topic: expect.stringMatching(/^[\w-]{32}$/),
    });
    expect(JSON.parse(payload)).toEqual({
      ...{
        title: 'Your plan',
        body: 'Basic from today',
        badge: 1,
        tag: 'membership',
        data: { id: 'evt_1' },
      },
    });
  });

  test.each([
    'http://localhost/push/1',
    'https://localhost:1/push/1',
    'https://evil.example/push/1',
    'https://user:secret@localhost/push/1',
    'https://[::1]/push/1',
    'https://169.254.169.254/latest/meta-data',
    'no url',
  ])('never sends to %s', async (address) => {
    const { keys } = webPush.subscribe();
    const to: PushAddress = { kind: 'webpush', address, keys };
    expect(await createSender(WEBPUSH).send(pushMessage(to))).toEqual({
      is: 'rejected',
      reason: 'endpoint_not_allowed',
    });
  });

  test('does not connect to a name that resolves to a private address, unless the operator allowed that host', async () => {
    const dial = new SsrfSafeAgent(testConfig(webPush.environment).PUSH_CA_FILE);
    const connections = webPush.connections.total;
    const attempt = request(webPush.subscribe().address, { method: 'POST', dispatcher: dial.publicOnly });
    await expect(attempt).rejects.toMatchObject({ code: 'INNER_ADDRESS' });
    expect(webPush.connections.total).toBe(connections);
    await dial.close();
  });

  test('does not follow a redirect and does not read an endless response to its end', async () => {
    const sender = createSender(WEBPUSH);
    const elsewhere = webPush.subscribe().address;
    const requestCount = webPush.requestCount;
    webPush.responses.next({ status: 307, headers: { location: elsewhere } });
    expect(await sender.send(pushMessage(webPush.subscribe()))).toEqual({
      is: 'rejected',
      reason: 'status_307',
    });
    expect(webPush.requestCount - requestCount).toBe(1);
    webPush.responses.next({ status: 201, body: 'x'.repeat(5_000_000) });
    expect(await sender.send(pushMessage(webPush.subscribe()))).toEqual({ is: 'delivered' });
  });

  test('treats a subscription with invalid keys as dead', async () => {
    const to = { ...webPush.subscribe(), keys: { p256dh: 'AAAA', auth: 'AAAA' } };
    expect(await createSender(WEBPUSH).send(pushMessage(to))).toEqual({
      is: 'unregistered',
      since: undefined,
      reason: 'bad_keys',
    });
  });
});

test('no address, key or token was ever logged', expectNoSecretLogged);
