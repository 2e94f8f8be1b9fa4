import { expect, jest, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { demoPages } from './chromium.js';

const MINUTE = 60_000;
jest.setTimeout(MINUTE);

const demo = demoPages({ DIGEST_WINDOW_MINUTES: '0' });

const openPage = async (userId: string, width = 1440) => {
  const open = await demo.open(userId, { width });
  const { page } = open;
  return {
    ...open,
    inbox: page.getByRole('region', { name: 'Inbox' }),
    items: page.getByRole('list', { name: 'Mails and texts' }),
    mail: page.frameLocator('.mail-frame'),
  };
};
const statesOf = async (userId: string) =>
  (
    (await demo.usher.backOffice.call('GET', `/v1/users/${userId}/messages`)).body.messages as {
      state: string;
    }[]
  ).map(({ state }) => state);

test.each([1440, 390])(
  'a mail comes into the inbox of a page %i px wide, and looks there as its sender wants',
  async (width) => {
    const { click, items, mail, page, errors } = await openPage(`mail-${width}`, width);
    await click('Send a mail');
    await items.getByText('Your receipt').waitFor();
    const title = mail.getByRole('heading', { name: 'Your receipt' });
    await title.waitFor();
    const fontSize = await title.evaluate(
      (one) => one.ownerDocument.defaultView?.getComputedStyle(one).fontSize,
    );
    expect(fontSize).toBe('22px'); // by the mail's own style
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(errors).toEqual([]);
  },
);

test('a mail runs no script, loads nothing, and cannot reach the page', async () => {
  const { page, items, mail } = await openPage('hostile');
  const failed: string[] = [];
  page.on('requestfailed', (request) => failed.push(`${request.url()} ${request.failure()?.errorText}`));
  const html =
    '<p id="said">nothing ran</p><img src="https://example.org/pixel.png"><script>parent.document.title = said.textContent = "ran"</script>';
  const message = { userId: 'hostile', channels: ['email'], subject: 'Win a prize', text: 'Win', html };
  expect((await demo.usher.backOffice.call('POST', '/v1/messages', message)).status).toBe(202);
  await items.getByText('Win a prize').waitFor();
  await mail.getByText('nothing ran').waitFor();
  expect(await page.title()).toContain('Usher');
  expect(await page.locator('.mail-frame').getAttribute('sandbox')).not.toMatch(/scripts|same-origin/);
  const { headers } = await fetch(
    `${demo.usher.url}${await page.locator('.mail-frame').getAttribute('src')}`,
  );
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*; sandbox allow-popups/);
  expect(failed).toEqual(['https://example.org/pixel.png csp']);
});

test('a text is delivered by Twilio’s protocol, and STOP ends them', async () => {
  const { click, inbox, items } = await openPage('texts');
  await click('Send a text');
  await inbox.getByText('Somebody has signed in').first().waitFor();
  await eventually('it is reported as delivered', async () => (await statesOf('texts'))[0] === 'delivered');
  await inbox.getByRole('button', { name: 'Reply STOP', exact: true }).click();
  await inbox.locator('.bubble').nth(2).waitFor(); // the text, STOP, and what is said to it
  await click('Send a text');
  await eventually('no text goes out', async () => (await statesOf('texts'))[0] === 'withdrawn');
  expect(await items.getByRole('listitem').count()).toBe(1);
});

test('the clock is moved to 16:59, and at 17:00 the digest comes on the screens, and by mail', async () => {
  const { page, on, click, inbox, mail } = await openPage('evening');
  await click('Move the clock to 16:59');
  await page.getByText('publish an event first').waitFor();
  await on('Phone').getByRole('button', { name: 'Unplug' }).click();
  await click('Publish an event');
  await on('Living-room TV').getByText('Free week', { exact: true }).waitFor();
  await click('Move the clock to 16:59');
  await inbox.getByText(/^16:59:\d\d$/).waitFor();
  await on('Phone').getByText('16:59', { exact: true }).waitFor();
  // What is left of the minute need not be waited for.
  const { now } = (await post('/dev/inbox', { userId: 'evening' })) as { now: string };
  await post('/dev/clock', { at: new Date(Math.ceil(Date.parse(now) / 60_000) * 60_000).toISOString() });
  const log = on('Living-room TV').getByRole('list', { name: 'Events received by Living-room TV' });
  await log.locator('[data-event="digest.ready"]').waitFor();
  await mail.getByText('Free week').first().waitFor();
  await inbox.getByText(/^17:00:\d\d$/).waitFor();
});

async function post(path: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${demo.usher.url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return response.json();
}
