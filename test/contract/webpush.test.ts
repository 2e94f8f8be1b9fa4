import { describe, expect, test } from '@jest/globals';
import { request } from 'undici';
import type { PushAddress } from '../../src/devices/push-address.schema.js';
import { SsrfSafeAgent } from '../../src/push/providers/webpush/ssrf-safe-agent.js';
import {
  configOf,
  resilient,
  lastOf,
  message,
  noSecretWasLogged,
  WEBPUSH,
  webPush,
  withPretendVendors,
} from '../support/push-vendors.js';

withPretendVendors();

describe('webpush', () => {
  test('arrives so that only the browser can read it', async () => {
    const expiresAt = new Date(Date.now() + 60_000);
    const sent = message(webPush.subscribe(), { collapseId: 'membership', badge: 1, expiresAt });
    expect(await resilient(WEBPUSH).send(sent)).toEqual({ is: 'delivered' });
    const { address, headers, payload } = lastOf(webPush.got);
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
  ])('is not aimed at %s', async (address) => {
    const { keys } = webPush.subscribe();
    const to: PushAddress = { kind: 'webpush', address, keys };
    expect(await resilient(WEBPUSH).send(message(to))).toEqual({
      is: 'rejected',
      reason: 'endpoint_not_allowed',
    });
  });

  test('a name that leads to an inner host is not dialled, unless the operator named that very host', async () => {
    const dial = new SsrfSafeAgent(configOf(webPush.environment).PUSH_CA_FILE);
    const connections = webPush.connections;
    const asked = request(webPush.subscribe().address, { method: 'POST', dispatcher: dial.publicOnly });
    await expect(asked).rejects.toMatchObject({ code: 'INNER_ADDRESS' });
    expect(webPush.connections).toBe(connections);
    await dial.close();
  });

  test('a redirect is not followed, and an answer without end is not read to its end', async () => {
    const vendor = resilient(WEBPUSH);
    const elsewhere = webPush.subscribe().address;
    const asked = webPush.asked;
    webPush.script.next({ status: 307, headers: { location: elsewhere } });
    expect(await vendor.send(message(webPush.subscribe()))).toEqual({
      is: 'rejected',
      reason: 'status_307',
    });
    expect(webPush.asked - asked).toBe(1);
    webPush.script.next({ status: 201, body: 'x'.repeat(5_000_000) });
    expect(await vendor.send(message(webPush.subscribe()))).toEqual({ is: 'delivered' });
  });

  test('a subscription whose keys are none is dead', async () => {
    const to = { ...webPush.subscribe(), keys: { p256dh: 'AAAA', auth: 'AAAA' } };
    expect(await resilient(WEBPUSH).send(message(to))).toEqual({
      is: 'unregistered',
      since: undefined,
      reason: 'bad_keys',
    });
  });
});

test('no address, key or token was ever logged', noSecretWasLogged);
