import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { type FakeMailServer, startFakeMailServer } from '../../support/fakes/fake-mail-server.js';
import { samplesOf } from '../../support/metric.js';

/** More than the server takes in the ten seconds that a mail waits for a connection: it has five of them. */
const CAMPAIGN = 80;
const MS_PER_MAIL = 1_000;

let usher: TestUsher;
let mailServer: FakeMailServer;
beforeAll(async () => {
  mailServer = await startFakeMailServer();
  usher = await startUsher({
    PUBLIC_URL: 'https://usher.example.com',
    SMTP_URL: mailServer.url,
    SMTP_FROM: 'no-reply@usher.example.com',
    EMAIL_PER_USER_PER_DAY: '1000',
  });
});
afterAll(async () => {
  await usher.stop();
  await mailServer.close();
});

test('a mail server that is slow gets each mail once and critical ones first, and no mail loses an attempt', async () => {
  mailServer.slowDown(MS_PER_MAIL);
  const contact = { email: 'ann@example.com', emailVerified: true };
  await usher.backOffice.call('PUT', '/v1/users/ann/contact', contact);
  await usher.database.query(
    `INSERT INTO message (id, user_id, channel, tier, category, subject, body, expires_at, bucket)
     SELECT 'sale-' || n, 'ann', 'email', 'important', 'promo', 'Sale', 'Sale', now() + interval '1 hour', bucket_of('ann')
     FROM generate_series(1, $1::int) AS n`,
    [CAMPAIGN],
  );
  await eventually('mails go out', () => mailServer.mails.length > 0);
  const code = { userId: 'ann', channels: ['email'], tier: 'critical', subject: 'Your code', text: '123456' };
  expect((await usher.backOffice.call('POST', '/v1/messages', code)).status).toBe(202);
  await eventually('the code is there', () =>
    mailServer.mails.some(({ headers }) => headers.subject === 'Your code'),
  );
  expect(mailServer.mails.length).toBeLessThan(CAMPAIGN / 2);
  const states = await eventually(
    'all are sent',
    async () => {
      const rows = await usher.database.query<{ state: string; attempts: number }>(
        'SELECT state, attempts, count(*)::int AS count FROM message GROUP BY state, attempts',
      );
      return rows.every(({ state }) => state === 'sent') && rows;
    },
    40_000,
  );
  expect(states).toEqual([{ state: 'sent', attempts: 1, count: CAMPAIGN + 1 }]);
  const ids = mailServer.mails.map(({ headers }) => headers['message-id']);
  expect(ids).toHaveLength(CAMPAIGN + 1);
  expect(new Set(ids).size).toBe(CAMPAIGN + 1);
  // Not because the server was quick: some have waited in vain, and came again.
  const metrics = samplesOf(await (await fetch(`${usher.url}/metrics`)).text());
  expect(metrics.some(({ labels, value }) => labels.reason === 'busy' && value > 0)).toBe(true);
}, 90_000);
