import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Messaging, PLAIN_SENDER, smsRoutes, startMessaging } from '../../support/drivers/messaging.js';
import { eventually } from '../../support/eventually.js';

/** What the mail server and the sender need minutes for. */
const CAMPAIGN = 200;
const SOON_MS = 30_000;

let messaging: Messaging;
beforeAll(async () => {
  messaging = await startMessaging({
    SMTP_PER_MINUTE: '60',
    ...smsRoutes({ prefix: '+49', senders: [{ ...PLAIN_SENDER, perSecond: 1 }] }),
    SMS_PER_USER_PER_DAY: '1000',
    EMAIL_PER_USER_PER_DAY: '1000',
  });
  await messaging.member('ann');
});
afterAll(() => messaging.stop());

type Counts = Record<'waiting' | 'undecided' | 'withdrawn', number>;
const campaignBy = async (channel: string): Promise<Counts | undefined> =>
  (
    await messaging.usher.database.query<Counts>(
      `SELECT count(*) FILTER (WHERE state = 'queued' AND reason IS NOT NULL)::int AS waiting,
         count(*) FILTER (WHERE claims = 0)::int AS undecided, count(*) FILTER (WHERE state = 'withdrawn')::int AS withdrawn
       FROM message WHERE channel = $1 AND tier = 'important'`,
      [channel],
    )
  )[0];

test.each([
  [
    'mails',
    'email',
    () => messaging.mailServer.mails.filter(({ source }) => source.includes('Your code')).length,
  ],
  ['texts', 'sms', () => messaging.sms.texts.filter(({ text }) => text.startsWith('Your code')).length],
])(
  'while a campaign of %s waits for its turn a critical one goes at once, and nothing is withdrawn because its turn is late',
  async (_, channel, codesSent) => {
    await messaging.usher.database.query(
      `INSERT INTO message (id, user_id, channel, tier, category, subject, body, expires_at, bucket)
       SELECT $1 || '-' || n, 'ann', $1, 'important', 'promo', 'Sale', 'Sale', now() + $2 * interval '2 milliseconds', bucket_of('ann')
       FROM generate_series(1, $3::int) AS n`,
      [channel, SOON_MS, CAMPAIGN],
    );
    await eventually(
      'the whole campaign was tried',
      async () => (await campaignBy(channel))?.undecided === 0,
    );
    // Of two parts: as a text it takes two seconds of the sender's rate.
    const text = `Your code is 123456. ${'x'.repeat(200)}`;
    for (let n = 1; n <= 3; n += 1) {
      const expiresAt = new Date(Date.now() + SOON_MS).toISOString();
      await messaging.send('ann', {
        channels: [channel],
        tier: 'critical',
        subject: 'Code',
        text,
        expiresAt,
      });
      await eventually(`code ${n} is there`, () => codesSent() === n);
    }
    const counts = await campaignBy(channel);
    expect(counts?.waiting).toBeGreaterThan(CAMPAIGN / 2);
    expect(counts?.withdrawn).toBe(0);
  },
  60_000,
);
