import { expect } from '@jest/globals';
import { PREMIUM } from '../../drivers/back-office.js';
import { subscriptionIds } from '../../drivers/stripe-webhooks.js';
import { startStream, subscribe } from '../../drivers/subscribers.js';
import type { TestUsher } from '../../drivers/usher.js';
import { type Change, idOf } from './change.js';

async function newKey(usher: TestUsher, name: string): Promise<string> {
  return String((await usher.backOffice.call('POST', '/v1/keys', { name, scopes: ['edge'] })).body.id);
}

/** Returns the path of the pauses of FCM, after it was paused or resumed. */
async function pauses(usher: TestUsher, method: 'PUT' | 'DELETE'): Promise<string> {
  const path = '/v1/push/pauses/fcm';
  const body = method === 'PUT' ? {} : undefined;
  const { status } = await usher.backOffice.call(method, path, body, { 'usher-reason': 'to prepare' });
  expect(status).toBeLessThan(300);
  return path;
}

/** The calls that change what concerns one user, a plan, a key or a provider. */
export const USER_CHANGES: Readonly<Record<string, Change>> = {
  'PUT /v1/push/pauses/{vendor}': {
    scope: 'operate',
    prepare: (usher) => pauses(usher, 'DELETE'),
    body: () => ({ critical: true }),
    told: () => ({
      action: 'push.pause',
      target: { kind: 'provider', id: 'fcm' },
      before: null,
      after: { critical: true },
    }),
  },
  'DELETE /v1/push/pauses/{vendor}': {
    scope: 'operate',
    prepare: (usher) => pauses(usher, 'PUT'),
    told: () => ({
      action: 'push.resume',
      target: { kind: 'provider', id: 'fcm' },
      before: { critical: false, since: expect.any(String) },
      after: null,
    }),
  },
  'POST /v1/users/{userId}/events/{eventId}/resend': {
    scope: 'support',
    prepare: async (usher, name) => {
      await usher.callAs(name, 'PUT', '/v1/me/devices/tv', { platform: 'tv' });
      const { body } = await usher.backOffice.publish([
        { userId: name, type: 'note.one', tier: 'important', data: {} },
      ]);
      return `/v1/users/${name}/events/${(body.accepted as { id: string }[])[0]?.id}/resend`;
    },
    body: () => ({}),
    told: ({ body }, path) => ({
      action: 'event.resend',
      target: { kind: 'event', id: body.id },
      userId: idOf(path),
      after: { devices: [{ deviceId: 'tv', by: 'later' }] },
    }),
  },
  'PUT /v1/plans/{planId}': {
    scope: 'operate',
    prepare: (_, name) => `/v1/plans/${name}`,
    body: (name) => ({ name: 'Family', prices: [`price_${name}`], capabilities: PREMIUM }),
    told: (_, path) => ({
      action: 'plan.put',
      target: { kind: 'plan', id: idOf(path) },
      userId: null,
      before: null,
      after: { name: 'Family', prices: [`price_${idOf(path)}`], capabilities: PREMIUM },
    }),
  },
  'PUT /v1/users/{userId}/links/{processor}': {
    scope: 'operate',
    prepare: (_, name) => `/v1/users/${name}/links/stripe`,
    body: (name) => ({ customerId: `cus_${name}` }),
    told: (_, path) => ({
      action: 'link.put',
      target: { kind: 'customer', id: `stripe:cus_${idOf(path)}` },
      userId: idOf(path),
      after: { customerId: `cus_${idOf(path)}` },
    }),
  },
  'DELETE /v1/users/{userId}/streams': {
    scope: 'support',
    prepare: async (_, name) => {
      await subscribe(_, name);
      expect((await startStream(_, name)).status).toBe(201);
      return `/v1/users/${name}/streams`;
    },
    told: ({ body }, path) => ({
      action: 'streams.stop',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      before: { streamIds: body.stopped },
      after: { streamIds: [] },
    }),
  },
  'POST /v1/users/{userId}/revocations': {
    scope: 'support',
    prepare: (_, name) => `/v1/users/${name}/revocations`,
    body: () => ({ deviceId: 'lost-phone' }),
    told: (_, path) => ({
      action: 'tokens.revoke',
      target: { kind: 'device', id: 'lost-phone' },
      userId: idOf(path),
    }),
  },
  'POST /v1/users/{userId}/devices/{deviceId}/test-event': {
    scope: 'support',
    prepare: async (usher, name) => {
      const put = await usher.callAs(name, 'PUT', '/v1/me/devices/tv', { platform: 'tv' });
      expect(put.status).toBeLessThan(300);
      return `/v1/users/${name}/devices/tv/test-event`;
    },
    told: ({ body }, path) => ({
      action: 'device.test',
      target: { kind: 'device', id: 'tv' },
      userId: idOf(path),
      after: { eventId: body.id },
    }),
  },
  'POST /v1/users/{userId}/devices/{deviceId}/disconnect': {
    scope: 'support',
    prepare: (_, name) => `/v1/users/${name}/devices/tv/disconnect`,
    told: (_, path) => ({
      action: 'device.disconnect',
      target: { kind: 'device', id: 'tv' },
      userId: idOf(path),
    }),
  },
  'POST /v1/users/{userId}/subscriptions/refetch': {
    scope: 'support',
    prepare: async (_, name) => {
      await subscribe(_, name);
      return `/v1/users/${name}/subscriptions/refetch`;
    },
    told: ({ body }, path) => ({
      action: 'subscriptions.refetch',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      after: { subscriptions: body.subscriptions },
    }),
  },
  'PUT /v1/users/{userId}/contact': {
    scope: 'admin',
    prepare: (_, name) => `/v1/users/${name}/contact`,
    body: () => ({ email: 'ada@example.com', emailVerified: true }),
    told: (_, path) => ({
      action: 'contact.put',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      before: null,
      after: {
        email: expect.stringMatching(/^[0-9a-f]{8}$/),
        emailVerified: true,
        phone: null,
        phoneVerified: false,
        timezone: null,
        locale: null,
      },
    }),
  },
  'DELETE /v1/users/{userId}/contact': {
    scope: 'admin',
    prepare: async (usher, name) => {
      const path = `/v1/users/${name}/contact`;
      await usher.backOffice.call('PUT', path, { email: 'ada@example.com' });
      return path;
    },
    told: (_, path) => ({
      action: 'contact.remove',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
      after: null,
    }),
  },
  'DELETE /v1/users/{userId}': {
    scope: 'admin',
    prepare: (_, name) => `/v1/users/${name}`,
    told: (_, path) => ({
      action: 'user.erase',
      target: { kind: 'user', id: idOf(path) },
      userId: idOf(path),
    }),
  },
  'POST /v1/keys': {
    scope: 'admin',
    prepare: () => '/v1/keys',
    body: () => ({ name: 'edge of Oslo', scopes: ['edge'] }),
    told: ({ body }) => ({
      action: 'key.create',
      target: { kind: 'key', id: body.id },
      before: null,
      after: { name: 'edge of Oslo', scopes: ['edge'] },
    }),
  },
  'DELETE /v1/users/{userId}/links/{processor}': {
    scope: 'operate',
    prepare: async (usher, name) => {
      const path = `/v1/users/${name}/links/stripe`;
      await usher.backOffice.call('PUT', path, { customerId: `cus_${name}` });
      return path;
    },
    told: (_, path) => ({
      action: 'link.remove',
      target: { kind: 'customer', id: `stripe:cus_${idOf(path)}` },
      userId: idOf(path),
      before: { customerId: `cus_${idOf(path)}` },
      after: null,
    }),
  },
  'POST /v1/webhooks/{processor}/{eventId}/retry': {
    scope: 'operate',
    prepare: async (usher, name) => {
      const event = usher.stripe.event('customer.subscription.created', {
        ...subscriptionIds(name),
        price: 'price_unheard',
      });
      await usher.stripe.send(event);
      return `/v1/webhooks/stripe/${event.id}/retry`;
    },
    told: ({ body }) => ({
      action: 'webhook.retry',
      target: { kind: 'webhook', id: `stripe:${String(body.eventId)}` },
      userId: body.userId,
      before: { status: 'waiting' },
      after: { status: 'stored' },
    }),
  },
  'DELETE /v1/keys/{id}': {
    scope: 'admin',
    prepare: async (_, name) => `/v1/keys/${await newKey(_, name)}`,
    told: (_, path) => ({
      action: 'key.revoke',
      target: { kind: 'key', id: idOf(path) },
      before: { name: expect.any(String), scopes: ['edge'] },
      after: null,
    }),
  },
};
