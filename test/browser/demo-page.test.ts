import { describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { demoPages, DEVICES, subscribeToPremium, type VisitOptions } from './chromium.js';

const MINUTE = 60_000;
// Longer than Playwright's own timeout, whose message says more than a test timeout.
jest.setTimeout(MINUTE);

/** Runs in the page: finds elements beyond the right edge, except in scrolling lists and pictures. */
const CUT_OFF = `[...document.querySelectorAll('body *:not(.row *, .traces *, .log-lines *, .art *)')]
  .filter((part) => part.getBoundingClientRect().right > innerWidth + 0.5)
  .map((part) => part.outerHTML.slice(0, 80))`;

/** Runs in the page: finds lines of the logs, told by their texts, of which only a part is in sight. */
const CUT_LINES = `[...document.querySelectorAll('.log')].filter((log) => log.checkVisibility()).flatMap((log) => {
  const list = log.querySelector('.log-lines').getBoundingClientRect();
  return [...log.querySelectorAll('.log-type, .log-tier, .log-ms, .log-note')]
    .filter((text) => {
      const { top, bottom } = text.getBoundingClientRect();
      return top < list.bottom - 0.5 && bottom > list.bottom + 0.5;
    })
    .map((text) => text.textContent);
})`;

/** What chooses a screen on a narrow page. */
const CHOICES = [
  ['TV', 'Living-room TV'],
  ['Phone', 'Phone'],
  ['Browser', 'Browser'],
] as const;

describe('the page', () => {
  const demo = demoPages();
  const openPage = (userId: string, size?: VisitOptions) => demo.open(userId, size);
  const openPageWithPremium = async (userId: string) => subscribeToPremium(await openPage(userId));

  test('pressing play on the TV moves the progress bar on the phone, and the phone can continue from there', async () => {
    const { on, position } = await openPageWithPremium('plays');
    await on('Living-room TV').getByRole('button', { name: 'Play' }).click();
    for (const device of ['Phone', 'Browser'] as const) {
      await on(device).getByText('Playing on Living-room TV').waitFor();
      await eventually(`the bar of ${device} moved`, async () => (await position(device)) >= 60);
    }
    await on('Living-room TV').getByRole('button', { name: 'Pause' }).click();
    await on('Phone').getByText('Paused on Living-room TV').waitFor();
    const left = await position('Living-room TV');
    expect(await position('Phone')).toBe(left);

    await on('Living-room TV').getByRole('button', { name: 'Play' }).click();
    await on('Phone').getByText('Playing on Living-room TV').waitFor();
    await on('Phone').getByRole('button', { name: 'Continue here' }).click();
    await on('Living-room TV').getByText('Playing on Phone').waitFor();
    expect(await position('Phone')).toBeGreaterThanOrEqual(left);
    await eventually('the TV follows the phone', async () => (await position('Living-room TV')) > left);
  });

  test('a plan change switches what every screen allows', async () => {
    const { on, click } = await openPage('switches');
    await click('Subscribe to Basic');
    for (const device of DEVICES) {
      const allowed = on(device).getByRole('list', { name: 'What the membership allows' });
      await allowed.getByText('1 screen', { exact: true }).waitFor();
      await allowed.getByText('With ads').waitFor();
    }
    await click('Upgrade to Premium');
    for (const device of DEVICES) {
      const allowed = on(device).getByRole('list', { name: 'What the membership allows' });
      await allowed.getByText('4 screens').waitFor();
      await allowed.getByText('4K').waitFor();
    }
    await click('Payment fails');
    for (const device of DEVICES) await on(device).getByText('The last payment failed.').waitFor();
  });

  test('a cancelled membership stops the player on every screen', async () => {
    const { on, click, position } = await openPageWithPremium('cancels');
    await on('Living-room TV').getByRole('button', { name: 'Play' }).click();
    await eventually('the film runs', async () => (await position('Browser')) >= 60);
    await click('Cancel now');
    for (const device of DEVICES) {
      await on(device).getByText('Your membership has ended').waitFor();
      await on(device).locator('[data-motion="still"]').waitFor();
    }
    expect((await demo.usher.backOffice.entitlement('cancels')).status).toBe('canceled');
  });

  test('an unplugged phone catches up', async () => {
    const { on, click } = await openPageWithPremium('unplugs');
    await on('Phone').getByRole('button', { name: 'Unplug' }).click();
    await on('Phone').getByText('offline', { exact: true }).waitFor();
    await click('Cancel at period end');
    await on('Living-room TV').getByText('Ends on').waitFor();
    await click('Run tonight’s recommendations');
    await on('Living-room TV').getByRole('button', { name: 'New' }).waitFor();
    expect(await on('Phone').getByText('Ends on').isVisible()).toBe(false);

    await on('Phone').getByRole('button', { name: 'Plug in' }).click();
    await on('Phone').getByText('caught up: 2 events').waitFor();
    await on('Phone').getByText('Ends on').waitFor();
    await on('Phone').getByRole('button', { name: 'New' }).waitFor();
  });

  test('tonight’s recommendations reach every screen, and what is seen on one is seen on all', async () => {
    const { on, click } = await openPage('tonight');
    await click('Run tonight’s recommendations');
    for (const device of DEVICES) {
      await on(device).getByRole('button', { name: 'New' }).waitFor();
      const row = on(device).getByRole('list', { name: 'Tonight’s recommendations' });
      expect(await row.getByRole('button').count()).toBe(8);
    }
    await on('Browser').getByRole('button', { name: 'New' }).click();
    for (const device of DEVICES)
      await on(device).getByRole('button', { name: 'New' }).waitFor({ state: 'hidden' });
  });

  test(
    'after five episodes started by autoplay, only the TV asks “still watching?”',
    async () => {
      const { page, on, speed } = await openPageWithPremium('sleeps');
      await speed('600×');
      await on('Living-room TV').getByRole('button', { name: 'Play' }).click();
      const question = page.getByRole('alertdialog');
      await on('Living-room TV').getByRole('alertdialog').waitFor({ timeout: MINUTE });
      expect(await question.count()).toBe(1);
      await on('Phone').getByText('Paused on Living-room TV').waitFor();
      await question.getByRole('button', { name: 'Keep watching' }).click();
      await on('Phone').getByText('Playing on Living-room TV').waitFor();
    },
    2 * MINUTE,
  );

  test('a second visit shows the state of the first', async () => {
    const first = await openPageWithPremium('returns');
    await first.on('Living-room TV').getByRole('button', { name: 'Play' }).click();
    await eventually('the film runs', async () => (await first.position('Phone')) >= 60);
    await first.on('Living-room TV').getByRole('button', { name: 'Pause' }).click();
    await first.on('Phone').getByText('Paused on Living-room TV').waitFor();
    const left = await first.position('Phone');
    await first.page.reload();
    await first.on('Phone').getByText('Paused on Living-room TV').waitFor();
    expect(await first.position('Phone')).toBe(left);
  });

  test.each([1280, 390])('the logs show whole lines: %s px wide', async (width) => {
    const { page, on, click } = await openPage(`lines-${width}`, { width });
    const log = on('Living-room TV').getByRole('list', { name: 'Events received' });
    for (const [act, event] of [
      ['Subscribe to Premium', 'membership.changed'],
      ['Publish an event', 'promo.started'],
    ] as const) {
      await click(act);
      await log.getByText(event, { exact: true }).waitFor();
    }
    expect(await page.evaluate(CUT_LINES)).toEqual([]);
  });

  test('nothing overflows at phone width', async () => {
    const { page, on, click } = await openPage('narrow', { width: 375, height: 740 });
    await click('Subscribe to Premium');
    await click('Run tonight’s recommendations');
    for (const [choice, device] of CHOICES) {
      await click(choice);
      await on(device).getByRole('button', { name: 'New' }).waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375);
      expect(await page.evaluate(CUT_OFF)).toEqual([]);
    }
  });

  test('the token is in no URL, no other host is contacted, and the browser reports no errors', async () => {
    const { addresses, errors, click, on } = await openPageWithPremium('quiet');
    await click('Run tonight’s recommendations');
    await on('Phone').getByRole('button', { name: 'New' }).waitFor();
    const { host } = new URL(demo.usher.url);
    expect(addresses.filter((address) => new URL(address).host !== host)).toEqual([]);
    expect(addresses.filter((address) => /eyJ|token=/.test(address))).toEqual([]);
    expect(addresses.some((address) => address.startsWith('ws:'))).toBe(true);
    expect(errors).toEqual([]);
  });

  test('on a narrow page the chosen screen stays in sight while the back office scrolls', async () => {
    const { page, on, click } = await openPage('pinned', { width: 390, height: 844 });
    await click('Phone');
    await page.getByRole('button', { name: 'Stop all streams' }).scrollIntoViewIfNeeded();
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    const { top, bottom } = await on('Phone')
      .locator('.player')
      .evaluate((part) => part.getBoundingClientRect());
    expect(top).toBeGreaterThanOrEqual(0);
    expect(bottom).toBeLessThan(844);
    expect(await on('Living-room TV').isVisible()).toBe(false);
  });
});
