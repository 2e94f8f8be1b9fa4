import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Messaging, PLAIN_SENDER, smsRoutes, startMessaging } from '../../support/drivers/messaging.js';
import { eventually } from '../../support/eventually.js';
import { type FaultProxy, faultProxy } from '../../support/infrastructure/fault-proxy.js';
import { metric } from '../../support/metric.js';

const USER_CAP = 3;
const PREFIX_CAP = 4;
const PER_SECOND = 10;
const sender = (name: string, perSecond: number) => ({ ...PLAIN_SENDER, sender: name, perSecond });

let messaging: Messaging;
let redis: FaultProxy;
beforeAll(async () => {
  const { hostname, port } = new URL(process.env.REDIS_URL ?? '');
  redis = await faultProxy({ host: hostname, port: Number(port) });
  messaging = await startMessaging({
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    SMS_PER_USER_PER_DAY: String(USER_CAP),
    ...smsRoutes(
      { prefix: '+49', senders: [sender('German', 10_000)] },
      { prefix: '+33', maxPerHour: PREFIX_CAP, senders: [sender('French', 10_000)] },
      { prefix: '+44', senders: [sender('British', PER_SECOND)] },
    ),
  });
  redis.set('cut');
}, 60_000);
afterAll(async () => {
  await messaging.stop();
  await redis.close();
});

const textsWith = (prefix: string) => messaging.sms.texts.filter(({ to }) => to.startsWith(prefix)).length;

test('while Redis is away a user gets as many texts in a day as the cap allows, also when more are sent at once; critical ones come all the same', async () => {
  await messaging.member('ned', { phone: '+4915112345670' });
  // In one commit, so that one worker has all of them in hand at once.
  await messaging.usher.database.query(
    `INSERT INTO message (id, user_id, channel, tier, category, body, expires_at, bucket)
     SELECT 'ned-' || n, 'ned', 'sms', 'important', 'general', 'Hello', now() + interval '1 hour', bucket_of('ned')
     FROM generate_series(1, $1::int) AS n`,
    [USER_CAP + 5],
  );
  const decided = await eventually(
    'all are decided about',
    async () => {
      const all = await messaging.list('ned');
      return (
        all.length > USER_CAP && all.every(({ state }) => state === 'sent' || state === 'withdrawn') && all
      );
    },
    30_000,
  );
  expect(decided.filter(({ state }) => state === 'sent')).toHaveLength(USER_CAP);
  expect(decided.filter(({ reason }) => reason === 'user_cap')).toHaveLength(5);
  expect(textsWith('+49151')).toBe(USER_CAP);
  await messaging.send('ned', { tier: 'critical' });
  await eventually('the critical one came', () => textsWith('+49151') === USER_CAP + 1, 30_000);
}, 90_000);

test('while Redis is away no more texts go to the numbers of a prefix than its cap allows, and the alarm is raised', async () => {
  for (let n = 0; n <= PREFIX_CAP; n += 1) {
    await messaging.member(`fr${n}`, { phone: `+3361234567${n}` });
    await messaging.send(`fr${n}`);
    const [message] = await eventually(
      'it is sent, or waits',
      async () => {
        const all = await messaging.list(`fr${n}`);
        return (all[0]?.state === 'sent' || all[0]?.reason === 'prefix_cap') && all;
      },
      30_000,
    );
    expect(message).toMatchObject(
      n < PREFIX_CAP ? { state: 'sent' } : { state: 'queued', reason: 'prefix_cap' },
    );
  }
  expect(textsWith('+33')).toBe(PREFIX_CAP);
  expect(await metric(messaging.usher, 'usher_message_prefix_capped_total')).toBeGreaterThan(0);
}, 90_000);

test('while Redis is away a node sends a fifth of a sender’s rate', async () => {
  const count = 7;
  for (let n = 0; n < count; n += 1) await messaging.member(`uk${n}`, { phone: `+44740012345${n}` });
  const began = performance.now();
  await Promise.all(Array.from({ length: count }, (_, n) => messaging.send(`uk${n}`)));
  await eventually('all came', () => textsWith('+44') === count, 60_000);
  const seconds = (performance.now() - began) / 1_000;
  // The whole rate, whose burst is a second of it, would let all of them go at once.
  expect(count / seconds).toBeLessThan(PER_SECOND / 2);
}, 120_000);
