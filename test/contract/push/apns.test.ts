import { describe, expect, test } from '@jest/globals';
import { ApnsProvider } from '../../../src/push/providers/apns/apns.provider.js';
import { testConfig } from '../../support/config.js';
import { eventually } from '../../support/eventually.js';
import { startForgetfulFirewall } from '../../support/forgetful-firewall.js';
import {
  APNS,
  apns,
  createSender,
  expectNoSecretLogged,
  last,
  pushMessage,
  useFakeProviders,
} from './push-providers.js';

useFakeProviders();

describe('apns', () => {
  test('sends an alert in the format that APNs requires', async () => {
    const expiresAt = new Date('2026-11-20T10:00:00.700Z');
    const more = { collapseId: 'membership', badge: 3, expiresAt };
    const sent = pushMessage(APNS.address(), more);
    expect(await createSender(APNS).send(sent)).toEqual({ is: 'delivered' });
    const { token, headers, payload } = last(apns.accepted);
    expect(token).toBe(sent.to.address);
    expect(headers).toMatchObject({
      'apns-push-type': 'alert',
      'apns-topic': 'com.example.tests',
      'apns-collapse-id': 'membership',
      'apns-expiration': String(Math.floor(expiresAt.getTime() / 1_000)),
    });
    expect(headers['apns-priority'] ?? '10').toBe('10');
    expect(payload).toEqual({
      id: 'evt_1',
      aps: { alert: { title: 'Your plan', body: 'Basic from today' }, sound: 'default', badge: 3 },
    });
  });

  test('wakes an app in the background without showing anything', async () => {
    await createSender(APNS).send(
      pushMessage(APNS.address(), { show: 'background', badge: 3, collapseId: 'ü'.repeat(60) }),
    );
    const { headers, payload } = last(apns.accepted);
    expect(headers).toMatchObject({ 'apns-push-type': 'background', 'apns-priority': '5' });
    expect(headers['apns-collapse-id']).toMatch(/^[\w-]{43}$/);
    expect(payload).toEqual({ id: 'evt_1', aps: { 'content-available': 1 } });
  });

  test('reuses one provider token for many pushes', async () => {
    const sender = createSender(APNS);
    await Promise.all(Array.from({ length: 10 }, () => sender.send(pushMessage(APNS.address()))));
    expect(new Set(apns.accepted.slice(-10).map(({ jwt }) => jwt)).size).toBe(1);
  });

  test('gives up the push whose time is up, and no other that was begun with it', async () => {
    const provider = ApnsProvider.create(testConfig(apns.environment));
    apns.responses.next('no-response');
    const timeout = new AbortController();
    const send = (signal: AbortSignal) => provider?.send(pushMessage(APNS.address()), signal);
    const first = send(timeout.signal);
    const second = send(new AbortController().signal);
    expect(await second).toEqual({ is: 'delivered' });
    timeout.abort();
    expect(await first).toMatchObject({ is: 'retry', reason: 'deadline' });
    await provider?.close();
  });

  test('returns since when a device token is dead', async () => {
    apns.responses.defaultResponse = APNS.responses.unregistered;
    expect(await createSender(APNS).send(pushMessage(APNS.address()))).toEqual({
      is: 'unregistered',
      since: new Date('2026-01-02T00:00:00Z'),
      reason: 'Unregistered',
    });
  });

  test('reconnects after a GOAWAY and returns an outcome for every push in flight', async () => {
    const sender = createSender(APNS, { timeoutMs: 3_000 });
    apns.responses.defaultResponse = { status: 200, afterMs: 50 };
    const send = () => sender.send(pushMessage(APNS.address()));
    const underWay = Array.from({ length: 50 }, send);
    await eventually('the pushes are in flight', () => apns.responses.isUsedUp);
    apns.sendGoaway();
    const outcomes = await Promise.all(underWay);
    expect(outcomes.filter(({ is }) => is !== 'delivered' && is !== 'retry')).toEqual([]);
    apns.responses.defaultResponse = 'ok';
    const connections = apns.connections.total;
    await eventually('a push is delivered again', async () => (await send()).is === 'delivered');
    expect(apns.connections.total).toBeGreaterThanOrEqual(connections);
  });

  test('replaces a dead connection long before TCP would notice it', async () => {
    const firewall = await startForgetfulFirewall(new URL(apns.environment.APNS_ORIGIN ?? ''));
    const sender = createSender(
      APNS,
      { timeoutMs: 600 },
      { APNS_ORIGIN: `https://localhost:${firewall.port}` },
    );
    const send = () => sender.send(pushMessage(APNS.address()));
    expect(await send()).toEqual({ is: 'delivered' });
    firewall.forget();
    expect(await send()).toMatchObject({ is: 'retry', reason: 'deadline' });
    await eventually('a new connection is used', async () => (await send()).is === 'delivered');
    await sender.close();
    await firewall.close();
  });
});

test('no address, key or token was ever logged', expectNoSecretLogged);
