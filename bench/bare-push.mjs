/*
 * The providers' bare libraries, as anyone would call them in ten minutes: a loop with so many sends under way. No database, no
 * queue, no budget, no retry; what is sent is what Usher sends, field by field. Only their addresses are bent to the bench's
 * providers, and Web Push's connections are kept, which its library does not do by itself.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { Agent } from 'node:https';
import { ApnsClient, Notification, Priority, PushType } from 'apns2';
import { initializeApp } from 'firebase-admin/app';
import { getMessaging } from 'firebase-admin/messaging';
import { Pool } from 'undici';
import webPush from 'web-push';
import { serveRequests } from './ipc-worker.mjs';

/** As Usher: what one or two HTTP/2 connections carry. */
const AT_ONCE = 200;
const DAY_MS = 86_400_000;
const EACH_BATCH = 500;
let ways;

serveRequests({
  start: ({ place }) => void (ways = { apns: apns(place), ...fcm(place), webpush: webpush(place) }),
  /** A push to each; answers how many failed. */
  async send({ way, targets, data }) {
    const act = ways[way];
    let next = 0;
    let failed = 0;
    const work = async () => {
      while (next < targets.length) {
        next += 1;
        await act(targets[next - 1], data).catch(() => (failed += 1));
      }
    };
    if (way === 'fcm each') failed = await inBatches(targets, data);
    else await Promise.all(Array.from({ length: AT_ONCE }, work));
    return { failed };
  },
});

/** What Usher gives its apps to find the event again. */
function idsOf(userId) {
  const collapseId = createHash('sha256').update(`${userId}\nbench`).digest('base64url').slice(0, 32);
  const epoch = 'b0b0b0b0b0b0';
  return { id: randomUUID(), type: 'news.bench', userId, collapseId, epoch, offset: '1' };
}

/** With the two connections of 100 streams that Usher has: faster than the library's own 32 of one. */
function apns({ settings, http2Origin, ca }) {
  const client = new ApnsClient({
    signingKey: settings.APNS_KEY,
    keyId: settings.APNS_KEY_ID,
    team: settings.APNS_TEAM_ID,
    defaultTopic: settings.APNS_TOPIC,
  });
  client.client = new Pool(http2Origin, {
    allowH2: true,
    connections: 2,
    pipelining: 100,
    maxConcurrentStreams: 100,
    connect: { ca },
  });
  return ({ userId, address }, { title, body }) => {
    const data = idsOf(userId);
    return client.send(
      new Notification(address, {
        type: PushType.alert,
        priority: Priority.immediate,
        alert: { title, body },
        sound: 'default',
        badge: 1,
        data,
        collapseId: data.collapseId,
        expiration: Math.floor((Date.now() + DAY_MS) / 1_000),
      }),
    );
  };
}

function fcm({ settings, origin, http2Origin, ca }) {
  const account = JSON.parse(settings.FCM_CREDENTIALS);
  const { hostname: host, port } = new URL(origin);
  const agent = new (class extends Agent {
    createConnection(options, done) {
      return super.createConnection({ ...options, host, servername: host, port }, done);
    }
  })({ keepAlive: true, maxSockets: AT_ONCE, ca });
  const credential = { getAccessToken: () => Promise.resolve({ access_token: 'ya29', expires_in: 3_599 }) };
  const messaging = getMessaging(
    initializeApp({ projectId: account.project_id, credential, httpAgent: agent }),
  );
  const http2 = createRequire(import.meta.url)('node:http2');
  const { connect } = http2;
  http2.connect = (_, options) => {
    const session = connect(http2Origin, { ...options, ca });
    const { request } = session;
    // The library says "https:", which Google forgives and HTTP/2 servers refuse.
    session.request = (head) => request.call(session, { ...head, ':scheme': 'https' });
    return session;
  };
  return {
    fcm: (target, words) => messaging.send(fcmMessage(target, words)),
    'fcm each': async (targets, words) => {
      const { failureCount } = await messaging.sendEach(targets.map((target) => fcmMessage(target, words)));
      return failureCount;
    },
  };
}

async function inBatches(targets, data) {
  let failed = 0;
  for (let from = 0; from < targets.length; from += EACH_BATCH)
    failed += await ways['fcm each'](targets.slice(from, from + EACH_BATCH), data);
  return failed;
}

function fcmMessage({ userId, address }, { title, body }) {
  const data = idsOf(userId);
  const { collapseId } = data;
  return {
    token: address,
    notification: { title, body },
    data,
    android: {
      priority: 'high',
      collapseKey: collapseId,
      ttl: DAY_MS,
      notification: { tag: collapseId, notificationCount: 1 },
    },
    apns: {
      headers: {
        'apns-priority': '10',
        'apns-push-type': 'alert',
        'apns-collapse-id': collapseId,
        'apns-expiration': String(Math.floor((Date.now() + DAY_MS) / 1_000)),
      },
      payload: { aps: { badge: 1 } },
    },
  };
}

function webpush({ settings, ca }) {
  const { VAPID_SUBJECT, VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY } = settings;
  webPush.setVapidDetails(VAPID_SUBJECT, VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY);
  const agent = new Agent({ keepAlive: true, maxSockets: 64, ca });
  return ({ userId, address, keys }, { title, body }) => {
    const data = idsOf(userId);
    const payload = JSON.stringify({ title, body, badge: 1, tag: data.collapseId, data });
    const topic = createHash('sha256').update(data.collapseId).digest('base64url').slice(0, 32);
    const options = { agent, TTL: DAY_MS / 1_000, urgency: 'high', topic };
    return webPush.sendNotification({ endpoint: address, keys }, payload, options);
  };
}
