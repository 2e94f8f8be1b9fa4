import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { registerPhone } from '../../support/drivers/phone.js';
import { type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';

let messaging: Messaging;
let usher: TestUsher;
beforeAll(async () => {
  messaging = await startMessaging({ NODE_ENV: 'development' });
  ({ usher } = messaging);
});
afterAll(() => messaging.stop());

test('a digest reaches each user by the first of its channels that they have, in the words of its own template', async () => {
  await usher.backOffice.put('/v1/templates/digest.morning', {
    locales: {
      en: {
        push: { title: '{{ count }} today', body: 'Look' },
        email: {
          subject: '{{ count }} today',
          text: '{% for item in items %}* {{ item.title | default: item.type }}{% endfor %}',
        },
      },
    },
  });
  await usher.backOffice.put('/v1/digests/morning', {
    ...{
      categories: ['social'],
      cadence: 'daily',
      at: '09:00',
      optIn: false,
      channels: ['email', 'push', 'sms'],
    },
  });
  const [mia, noa, oli] = [
    await messaging.member('mia'),
    await messaging.member('noa', { emailVerified: false }),
    await messaging.member('oli', { emailVerified: false }),
  ];
  const phones = await Promise.all(['mia', 'noa'].map((name) => registerPhone(usher, name, `${name}-phone`)));
  const users = ['mia', 'noa', 'oli'];
  await usher.backOffice.publish(
    users.map((userId) => ({
      userId,
      type: 'social.follow',
      tier: 'important',
      key: 'follow',
      data: { title: '<b>Ada</b>' },
    })),
  );
  await Promise.all(phones.map((phone) => phone.waitForNotifications(1)));
  await eventually('all are planned', async () => {
    const rows = await usher.database.query(
      `SELECT FROM digest_plan WHERE digest = 'morning' AND next_run_at > now() - interval '2 days'`,
    );
    return rows.length >= users.length;
  });
  await usher.database.query(
    `UPDATE digest_plan SET next_run_at = now(), last_date = (now()::date - 3)::text WHERE digest = 'morning' AND user_id IN ('mia', 'noa', 'oli')`,
  );
  const mail = await messaging.waitForMail(mia.email);
  expect([mail.headers.subject, mail.source.includes('* <b>Ada</b>')]).toEqual(['1 today', true]);
  expect((await phones[1]?.waitForNotifications(2))?.notes).toContainEqual(
    expect.objectContaining({ title: '1 today' }),
  );
  // The template has no words for a text: those of all digests are taken.
  expect((await messaging.waitForText(oli.phone)).text).toBe('1 new for you: <b>Ada</b>');
  expect((await phones[0]?.lockScreen())?.notes).toHaveLength(1);
  for (const { email } of [noa, oli]) expect(messaging.mailsTo(email)).toEqual([]);
  for (const { phone } of [mia, noa]) expect(messaging.textsTo(phone)).toEqual([]);
});
