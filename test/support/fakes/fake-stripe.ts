import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  buildStripeEvent,
  nowSeconds,
  type StripeEvent,
  type StripeEventType,
} from '../drivers/stripe-webhooks.js';

/** How the API fails: not at all, with an error, or without a response, before or after it applied a change. */
export type FailureMode = 'none' | 'error' | 'no-response' | 'no-response-after-applying';

export interface NewSubscription {
  readonly id: string;
  readonly userId?: string;
  readonly customer?: string;
  readonly price: string;
  readonly status?: string;
}

type Json = Record<string, unknown>;

/** Fake of the part of Stripe's API that Usher uses. It holds the subscriptions; the test decides which of its webhooks arrive. */
export interface FakeStripe {
  /** The settings that lead a node to this fake, for `startUsher`. */
  readonly environment: Record<string, string>;
  /** Every request in order, like `GET /v1/subscriptions/sub_1`. */
  readonly calls: readonly string[];
  /** The applied changes by idempotency key: the request's body, and the `id` of the subscription. */
  readonly appliedChanges: ReadonlyMap<string, Json>;
  failureMode: FailureMode;
  /** Runs after a subscription was read and before the response is sent. */
  beforeResponse: (() => Promise<void>) | undefined;
  /** Creates a subscription. Returns the webhook that Stripe would send. */
  createSubscription(subscription: NewSubscription): StripeEvent;
  /** Changes a subscription. Returns the webhook that Stripe would send. */
  updateSubscription(id: string, change: Json, at?: number): StripeEvent;
  /** Ends a subscription. Returns the webhook that Stripe would send. */
  endSubscription(id: string, at?: number): StripeEvent;
  subscription(id: string): Json;
  close(): Promise<void>;
}

export async function startFakeStripe(): Promise<FakeStripe> {
  const subscriptions = new Map<string, Json>();
  const responsesByKey = new Map<string, Json>();
  const appliedChanges = new Map<string, Json>();
  const calls: string[] = [];
  const subscription = (id: string): Json => {
    const found = subscriptions.get(id);
    if (!found) throw new Error(`no subscription ${id}`);
    return found;
  };
  const event = (type: StripeEventType, id: string, previous: Json | undefined, at: number): StripeEvent => {
    const of = buildStripeEvent(type, { created: at });
    const data = {
      object: structuredClone(subscription(id)),
      ...(previous && { previous_attributes: previous }),
    };
    return { ...of, data };
  };
  const stripe: FakeStripe = {
    environment: {},
    calls,
    appliedChanges,
    failureMode: 'none',
    beforeResponse: undefined,
    subscription,
    createSubscription({ id, ...options }) {
      const { data } = buildStripeEvent('customer.subscription.created', {
        id,
        status: 'active',
        ...options,
      });
      subscriptions.set(id, data.object);
      return event('customer.subscription.created', id, undefined, nowSeconds());
    },
    updateSubscription(id, change, at = nowSeconds()) {
      const before = subscription(id);
      const previous = Object.fromEntries(Object.keys(change).map((name) => [name, before[name] ?? null]));
      subscriptions.set(id, { ...before, ...change });
      return event('customer.subscription.updated', id, previous, at);
    },
    endSubscription(id, at = nowSeconds()) {
      subscriptions.set(id, {
        ...subscription(id),
        status: 'canceled',
        ended_at: at,
        canceled_at: at,
        cancel_at: null,
      });
      return event('customer.subscription.deleted', id, undefined, at);
    },
    close: () => new Promise((resolve) => (server.close(() => resolve()), server.closeAllConnections())),
  };

  const applyChange = (id: string, body: Json): Json => {
    const { items } = subscription(id) as {
      items: { data: { id: string; price: Json; current_period_end: number }[] };
    };
    const change: Json = { ...body };
    if (body.cancel_at_period_end === 'true')
      Object.assign(change, { cancel_at_period_end: true, cancel_at: items.data[0]?.current_period_end });
    if (body.cancel_at_period_end === 'false')
      Object.assign(change, { cancel_at_period_end: false, cancel_at: null });
    if (body.cancel_at === '') change.cancel_at = null;
    if (body.pause_collection === '') change.pause_collection = null;
    const price = body['items[0][price]'];
    if (price !== undefined) {
      change.items = {
        ...items,
        data: structuredClone(items.data).map((item) =>
          item.id === body['items[0][id]']
            ? Object.assign(item, { price: { ...item.price, id: price } })
            : item,
        ),
      };
    }
    const known = new Set(['cancel_at_period_end', 'cancel_at', 'pause_collection', 'items']);
    subscriptions.set(id, {
      ...subscription(id),
      ...Object.fromEntries(Object.entries(change).filter(([name]) => known.has(name))),
    });
    return subscription(id);
  };

  const handle = async (request: IncomingMessage, body: Json): Promise<[number, unknown]> => {
    const url = new URL(request.url ?? '/', 'http://stripe');
    calls.push(`${request.method} ${url.pathname}`);
    const key = request.headers['idempotency-key'];
    const id = /^\/v1\/subscriptions\/([^/]+)/.exec(url.pathname)?.[1];
    if (url.pathname === '/v1/subscriptions') return [200, page(url.searchParams)];
    if (id === undefined || !subscriptions.has(id)) return [404, missing];
    if (request.method === 'POST') {
      if (typeof key !== 'string') throw new Error('a change without an idempotency key');
      const first = responsesByKey.get(key);
      if (first) return [200, first];
      if (body['items[0][price]'] === 'price_declined') return [402, declined];
      appliedChanges.set(key, { ...body, id });
      responsesByKey.set(key, structuredClone(applyChange(id, body)));
      return [200, responsesByKey.get(key)];
    }
    const read = structuredClone(subscription(id));
    await stripe.beforeResponse?.();
    return [200, read];
  };

  const page = (query: URLSearchParams) => {
    const ids = [...subscriptions.keys()].sort();
    const from = ids.indexOf(query.get('starting_after') ?? '') + 1;
    const limit = Number(query.get('limit') ?? 10);
    const data = ids.slice(from, from + limit).map((id) => structuredClone(subscription(id)));
    return { object: 'list', url: '/v1/subscriptions', has_more: from + limit < ids.length, data };
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
    const { failureMode } = stripe;
    if (failureMode === 'no-response') return;
    const [status, json] = failureMode === 'error' ? [500, failing] : await handle(request, body);
    if (failureMode === 'no-response-after-applying') return;
    response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_fake' });
    response.end(JSON.stringify(json));
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(stripe, { environment: { STRIPE_API_KEY: 'sk_test_fake', STRIPE_API_BASE: url } });
}

const missing = {
  error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No such subscription' },
};
const declined = { error: { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' } };
const failing = { error: { type: 'api_error', message: 'Something went wrong at Stripe' } };
