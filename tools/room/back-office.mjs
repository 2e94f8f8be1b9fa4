/* What the room needs of Usher's HTTP API, as a back office and as an app, at the first node that is up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { ABSENT_DEVICE } from './publisher.mjs';
import { signUserToken } from './sign-in.mjs';

const CALL_WITHIN_MS = 10_000;

/** Each call is repeated until it succeeds, and throws after ten seconds. */
export function makeBackOffice({ nodes, secrets }) {
  const call = async (bearer, method, path, body, headers = {}) => {
    for (const deadline = Date.now() + CALL_WITHIN_MS; ; await sleep(200)) {
      const { url } = nodes.find(({ isUp }) => isUp);
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          'content-type': 'application/json',
          ...(bearer && { authorization: `Bearer ${bearer}` }),
          ...headers,
        },
        ...(body && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        signal: AbortSignal.timeout(CALL_WITHIN_MS),
      }).catch(() => null);
      if (response?.ok) return response.json();
      await response?.body?.cancel();
      if (Date.now() > deadline)
        throw new Error(`${method} ${path} failed (${response?.status ?? 'no response'})`);
    }
  };
  const asUser = (user, path) => call(signUserToken(user, 300, secrets.AUTH_JWT_SECRET), 'GET', path);

  /** Registers the device that some events are for and that is never there. */
  const prepareUser = (user) =>
    call(signUserToken(user, 300, secrets.AUTH_JWT_SECRET), 'PUT', `/v1/me/devices/${ABSENT_DEVICE}`, {
      platform: 'tv',
    });

  /** In-house billing says that the user has a plan now. */
  const payFor = async (user) => {
    const capabilities = { streaming: true, maxStreams: 4, maxQuality: '4k', downloads: true, ads: false };
    const plan = { name: 'gold', prices: ['price_gold'], capabilities };
    await call(secrets.ADMIN_KEY, 'PUT', '/v1/plans/gold', plan);
    const at = new Date();
    const data = {
      subscriptionId: 's-1',
      userId: user,
      status: 'active',
      priceIds: ['price_gold'],
      cancelAt: null,
      ended: false,
    };
    const body = JSON.stringify({ type: 'subscription.updated', timestamp: at.toISOString(), data });
    const signature = new Webhook(secrets.STANDARD_WEBHOOK_SECRET).sign('msg_1', at, body);
    await call(undefined, 'POST', '/v1/webhooks/standard', body, {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': signature,
    });
  };

  /** Returns what a device must know: `{ user, position, entries: [{ offset, target }], membership, playback: [[show, position]] }`. */
  const getServerState = async (user) => {
    const { membership, playback } = await asUser(user, '/v1/me/state');
    const entries = [];
    for (let after = 0; ;) {
      const page = await asUser(user, `/v1/me/entries?after=${after}&limit=500`);
      entries.push(...page.entries);
      after = page.position.offset;
      if (!page.hasMore) {
        const shows = playback.map(({ showId, positionSeconds }) => [showId, positionSeconds]);
        return { user, position: page.position, entries, membership: membership.version, playback: shows };
      }
    }
  };
  return { prepareUser, payFor, getServerState };
}
