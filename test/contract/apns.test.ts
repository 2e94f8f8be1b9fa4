import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import {
  APNS,
  apns,
  resilient,
  lastOf,
  message,
  noSecretWasLogged,
  withPretendVendors,
} from '../support/push-vendors.js';

withPretendVendors();

describe('apns', () => {
  test('speaks of an alert as Apple wants it', async () => {
    const expiresAt = new Date('2026-11-20T10:00:00.700Z');
    const more = { collapseId: 'membership', badge: 3, expiresAt };
    const sent = message(APNS.address(), more);
    expect(await resilient(APNS).send(sent)).toEqual({ is: 'delivered' });
    const { token, headers, payload } = lastOf(apns.got);
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
    await resilient(APNS).send(
      message(APNS.address(), { show: 'background', badge: 3, collapseId: 'ü'.repeat(60) }),
    );
    const { headers, payload } = lastOf(apns.got);
    expect(headers).toMatchObject({ 'apns-push-type': 'background', 'apns-priority': '5' });
    expect(headers['apns-collapse-id']).toMatch(/^[\w-]{43}$/);
    expect(payload).toEqual({ id: 'evt_1', aps: { 'content-available': 1 } });
  });

  test('signs one provider token for many pushes', async () => {
    const vendor = resilient(APNS);
    await Promise.all(Array.from({ length: 10 }, () => vendor.send(message(APNS.address()))));
    expect(new Set(apns.got.slice(-10).map(({ jwt }) => jwt)).size).toBe(1);
  });

  test('tells since when a token is dead', async () => {
    apns.script.otherwise = APNS.replies.unregistered;
    expect(await resilient(APNS).send(message(APNS.address()))).toEqual({
      is: 'unregistered',
      since: new Date('2026-01-02T00:00:00Z'),
      reason: 'Unregistered',
    });
  });

  test('comes back after a GOAWAY, and answers for all that was under way', async () => {
    const vendor = resilient(APNS, { timeoutMs: 3_000 });
    apns.script.otherwise = { status: 200, afterMs: 50 };
    const send = () => vendor.send(message(APNS.address()));
    const underWay = Array.from({ length: 50 }, send);
    await eventually('they are under way', () => apns.script.isSpent);
    apns.goAway();
    const verdicts = await Promise.all(underWay);
    expect(verdicts.filter(({ is }) => is !== 'delivered' && is !== 'retry')).toEqual([]);
    apns.script.otherwise = 'ok';
    const connections = apns.connections;
    await eventually('it is back', async () => (await send()).is === 'delivered');
    expect(apns.connections).toBeGreaterThanOrEqual(connections);
  });

  test('leaves a connection that leads nowhere, which TCP would believe in for a quarter of an hour', async () => {
    const wire = await forgetfulWire(new URL(apns.environment.APNS_ORIGIN ?? ''));
    const vendor = resilient(APNS, {}, { APNS_ORIGIN: `https://localhost:${wire.port}` });
    const send = () => vendor.send(message(APNS.address()));
    expect(await send()).toEqual({ is: 'delivered' });
    wire.forget();
    expect(await send()).toMatchObject({ is: 'retry', reason: 'deadline' });
    await eventually('it took another', async () => (await send()).is === 'delivered');
    await vendor.close();
    await wire.close();
  });
});

test('no address, key or token was ever logged', noSecretWasLogged);

/** A firewall that forgets the connections it knows: they carry nothing any more, and nobody is told. New ones pass. */
async function forgetfulWire({ hostname, port }: URL) {
  const forgotten = new WeakSet<Socket>();
  const sockets = new Set<Socket>();
  const carry = (from: Socket, to: Socket, of: Socket) => {
    sockets.add(from);
    from.on('data', (data) => forgotten.has(of) || to.write(data));
    from.on('error', () => from.destroy());
    from.on('close', () => forgotten.has(of) || to.destroy());
  };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    carry(near, far, near);
    carry(far, near, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    forget: () => sockets.forEach((socket) => forgotten.add(socket)),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
