import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import PostalMime from 'postal-mime';
import { EngagementCalls, event } from '../../support/drivers/engagement-calls.js';
import { type Messaging, PUBLIC_URL, startMessaging } from '../../support/drivers/messaging.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog } from '../../support/expectations.js';
import { metric } from '../../support/metric.js';

let messaging: Messaging;
let usher: TestUsher;
let engagement: EngagementCalls;
beforeAll(async () => {
  messaging = await startMessaging();
  ({ usher } = messaging);
  engagement = new EngagementCalls(usher);
});
afterAll(() => messaging.stop());

describe('a mail that is to be counted', () => {
  const BROWSER = {
    'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
  };
  const TARGET = 'https://films.example.com/autumn?id=1&x=ü';
  const HTML = `<p>Hello <a href="${TARGET.replace('&', '&amp;')}">films</a></p>`;
  const get = (path: string, headers: Record<string, string> = BROWSER, method = 'GET') =>
    fetch(`${usher.url}${path}`, { method, headers, redirect: 'manual' });

  /** Sends a mail, and returns the HTML that arrives, and the paths of its link and its image. */
  async function mailTo(name: string, tracking: Record<string, string> | undefined) {
    const { email } = await messaging.member(name);
    await messaging.send(name, {
      channels: ['email'],
      subject: 'Autumn',
      text: TARGET,
      html: HTML,
      tracking,
    });
    const mail = await messaging.waitForMail(email);
    const { html = '', text = '' } = await PostalMime.parse(mail.source);
    const [, link = ''] = /href="https:\/\/usher\.example\.com(\/t\/[^"]+)"/.exec(html) ?? [];
    const [, pixel = ''] = /src="https:\/\/usher\.example\.com(\/t\/[^"]+)"/.exec(html) ?? [];
    return { html, text, link, pixel, source: mail.source };
  }

  test('has links that lead where they led, and an image; each counts once, however often and late it comes', async () => {
    const { link, pixel, text } = await mailTo('cleo', { campaign: 'mailed' });
    expect(text.trim()).toBe(TARGET);
    for (let n = 0; n < 3; n += 1) {
      const followed = await get(link);
      expect([followed.status, followed.headers.get('location')]).toEqual([302, new URL(TARGET).href]);
      const image = await get(pixel);
      expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/gif']);
      expect((await image.arrayBuffer()).byteLength).toBe(42);
    }
    await engagement.totalsBecome('mailed', { tapped: 1, opened: 1 });
    // The same click, as if it came after a midnight.
    await usher.database.query(
      `UPDATE engagement_event SET at = at - interval '2 days' WHERE user_id = 'cleo'`,
    );
    await get(link);
    await engagement.record(event({ campaign: 'mailed', kind: 'converted' }));
    await engagement.totalsBecome('mailed', { tapped: 1, opened: 1, converted: 1 });
    expectCleanLog(usher, { link, user: 'cleo@example.com' });
  });

  test('says nothing of who got it, and follows no link that we did not make', async () => {
    const { link, pixel } = await mailTo('secret-name', { campaign: 'forged' });
    expect(Buffer.from(link.slice(3), 'base64url').toString('latin1')).not.toContain('secret-name');
    const wrong = [
      link.slice(0, -1),
      `${link.slice(0, 20)}${link[20] === 'A' ? 'B' : 'A'}${link.slice(21)}`,
      `${link}.gif`,
      pixel.replace('.gif', ''),
      '/t/https:%2F%2Fevil.example.com',
      '/t/x',
    ];
    for (const path of wrong) {
      const reply = await get(path);
      expect([path, reply.status, reply.headers.get('location')]).toEqual([path, 404, null]);
    }
  });

  test('counts what programs do apart from what people do', async () => {
    const { link, pixel } = await mailTo('dora', { campaign: 'scanned' });
    await get(link, BROWSER, 'HEAD');
    await get(link, { ...BROWSER, 'sec-purpose': 'prefetch' });
    await get(pixel, { 'user-agent': 'Mozilla/5.0' });
    await get(pixel, { 'user-agent': 'Mozilla/5.0 (via ggpht.com GoogleImageProxy)' });
    await engagement.totalsBecome('scanned', { tapped: [0, 1], opened: [0, 1] });
    await get(pixel);
    await engagement.totalsBecome('scanned', { tapped: [0, 1], opened: [1, 1] });
  });

  test('leads on although its link is followed again and again, and nothing is written for that', async () => {
    const { link } = await mailTo('fred', { campaign: 'replayed' });
    const replies = await Promise.all(Array.from({ length: 100 }, () => get(link)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([302]));
    await engagement.totalsBecome('replayed', { tapped: 1 });
    expect(
      await metric(usher, 'usher_engagement_clicks_total', { result: 'repeated' }),
    ).toBeGreaterThanOrEqual(99);
  });

  test('of a person who was erased leads on, and nothing is stored of them any more', async () => {
    const { link, pixel } = await mailTo('hugo', { campaign: 'forgotten' });
    await get(link);
    await engagement.totalsBecome('forgotten', { tapped: 1 });
    expect((await usher.backOffice.call('DELETE', '/v1/users/hugo')).status).toBeLessThan(300);
    const before = await metric(usher, 'usher_engagement_clicks_total', { result: 'known' });
    expect((await get(pixel)).status).toBe(200);
    await eventually(
      'the image was looked up',
      async () => (await metric(usher, 'usher_engagement_clicks_total', { result: 'known' })) > before,
    );
    expect(await usher.database.query(`SELECT FROM engagement_event WHERE user_id = 'hugo'`)).toEqual([]);
  });

  test('counts who unsubscribes by its link, once, for the campaign that it was of', async () => {
    const { source } = await mailTo('gina', { campaign: 'left', team: 'film' });
    const { headers } = await PostalMime.parse(source);
    const header = headers.find(({ key }) => key === 'list-unsubscribe')?.value.replaceAll(/\s/g, '') ?? '';
    const path = header.slice(1 + PUBLIC_URL.length, -1);
    for (let n = 0; n < 2; n += 1)
      expect((await fetch(`${usher.url}${path}`, { method: 'POST' })).status).toBe(200);
    await engagement.totalsBecome('left', { unsubscribed: 1 });
    const rows = await usher.database.query(
      `SELECT team, channel FROM engagement_event WHERE campaign = 'left'`,
    );
    expect(rows).toEqual([{ team: 'film', channel: 'email' }]);
  });

  test('is the one that asks for it: others stay as they are', async () => {
    expect((await mailTo('evan', undefined)).html.trim()).toBe(HTML);
  });
});
