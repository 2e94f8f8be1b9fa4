import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import {
  type FakeSmsProvider,
  PLAIN_TOKEN,
  startFakeSmsProvider,
} from '../../support/fakes/fake-sms-provider.js';

const CAP = 10;
/** A fifth is kept for critical ones. */
const FOR_IMPORTANT = 8;
const CAMPAIGN = 60;
/** Less than what is beyond the cap, more than what is not. */
const PER_SECOND = 20;
const senders = [{ provider: 'http', sender: 'Usher', price: 0.05, perSecond: PER_SECOND }];
const ROUTES = {
  currency: 'EUR',
  routes: [
    { prefix: '+33', maxPerHour: CAP, senders },
    { prefix: '+49', senders },
  ],
};

let usher: TestUsher;
let sms: FakeSmsProvider;
beforeAll(async () => {
  sms = await startFakeSmsProvider();
  usher = await startUsher({
    PUBLIC_URL: 'https://usher.example.com',
    SMS_HTTP_URL: `${sms.origin}/plain`,
    SMS_HTTP_TOKEN: PLAIN_TOKEN,
    SMS_ROUTES: JSON.stringify(ROUTES),
    SMS_PER_USER_PER_DAY: '1000',
  });
});
afterAll(async () => {
  await usher.stop();
  await sms.close();
});

const reasons = () =>
  usher.database.query<{ reason: string | null; count: number; seconds: number }>(
    `SELECT reason, count(*)::int AS count, extract(epoch FROM max(due_at) - min(due_at))::int AS seconds FROM message
     WHERE claims > 0 AND state <> 'sending' GROUP BY reason`,
  );

test('texts that wait for the cap of their prefix take nothing from the rate of a sender that other countries share, come back one after the other, and leave room for a code', async () => {
  for (const [userId, phone] of [
    ['french', '+33612345678'],
    ['german', '+4915112345678'],
  ])
    await usher.backOffice.call('PUT', `/v1/users/${userId}/contact`, { phone, phoneVerified: true });
  await usher.database.query(
    `INSERT INTO message (id, user_id, channel, tier, category, body, expires_at, bucket)
     SELECT 'french-' || n, 'french', 'sms', 'important', 'promo', 'Sale', now() + interval '24 hours', bucket_of('french')
     FROM generate_series(1, $1::int) AS n`,
    [CAMPAIGN],
  );
  await eventually('all were decided about', async () => {
    const all = await reasons();
    return all.reduce((sum, { count }) => sum + count, 0) === CAMPAIGN;
  });
  const all = await reasons();
  const capped = all.find(({ reason }) => reason === 'prefix_cap');
  expect(all.map(({ reason, count }) => [reason, count]).toSorted()).toEqual(
    [
      [null, FOR_IMPORTANT],
      ['prefix_cap', CAMPAIGN - FOR_IMPORTANT],
    ].toSorted(),
  );
  // Each has the time that the cap takes for one text, six minutes, to itself.
  expect(capped?.seconds).toBeGreaterThan((CAMPAIGN - FOR_IMPORTANT - 2) * 360);
  const code = { userId: 'french', channels: ['sms'], tier: 'critical', text: 'Your code is 123456' };
  expect((await usher.backOffice.call('POST', '/v1/messages', code)).status).toBe(202);
  await eventually('the code came, which has a share of the cap', () =>
    sms.texts.some(({ text }) => text === code.text),
  );
  const german = { userId: 'german', channels: ['sms'], text: 'Hello' };
  expect((await usher.backOffice.call('POST', '/v1/messages', german)).status).toBe(202);
  await eventually('the German text came', () => sms.texts.some(({ to }) => to.startsWith('+49')));
});
