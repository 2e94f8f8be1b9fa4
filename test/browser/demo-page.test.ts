import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { ADMIN_KEY, startUsher, STRIPE_SECRET, type TestUsher } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';
import { DEVICES, launch, type Visit, visit } from './chromium.js';

const MINUTE = 60_000;
// Longer than Playwright's own timeout, whose message says more than a test timeout.
jest.setTimeout(MINUTE);

/** Runs in the page: finds elements beyond the right edge, except in scrolling lists and pictures. */
const CUT_OFF = `[...document.querySelectorAll('body *:not(.row *, .traces *, .log-lines *, .art *)')]
  .filter((part) => part.getBoundingClientRect().right > innerWidth + 0.5)
  .map((part) => part.outerHTML.slice(0, 80))`;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** What chooses a screen on a narrow page. */
const CHOICES = [
  ['TV', 'Living-room TV'],
  ['Phone', 'Phone'],
  ['Browser', 'Browser'],
] as const;

describe('the page', () => {
  let usher: TestUsher;
  let browser: Browser;
  let open: Visit | undefined;

  beforeAll(async () => {
    [usher, browser] = await Promise.all([startUsher({ NODE_ENV: 'development', CONSOLE: 'on' }), launch()]);
  }, MINUTE);
  afterEach(async () => {
    await open?.page.context().close();
    open = undefined;
  });
  afterAll(async () => {
    await browser?.close();
    await usher?.stop();
  });

  const openPage = async (userId: string, size?: Parameters<typeof visit>[3]) => {
    open = await visit(browser, usher, userId, size);
    return open;
  };
  const openPageWithPremium = async (userId: string) => {
    const visited = await openPage(userId);
    await visited.click('Subscribe to Premium');
    for (const device of DEVICES) await visited.on(device).getByText('Premium · active').waitFor();
    return visited;
  };

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
    expect((await usher.backOffice.entitlement('cancels')).status).toBe('canceled');
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
    const { host } = new URL(usher.url);
    expect(addresses.filter((address) => new URL(address).host !== host)).toEqual([]);
    expect(addresses.filter((address) => /eyJ|token=/.test(address))).toEqual([]);
    expect(addresses.some((address) => address.startsWith('ws:'))).toBe(true);
    expect(errors).toEqual([]);
  });

  test('with no membership one button stands out, and what would change nothing says why and does nothing', async () => {
    const { page, addresses } = await openPage('empty');
    const primary = page.locator('button.main:visible');
    await eventually('one button stands out', async () => (await primary.allTextContents()).length === 1);
    expect(await primary.allTextContents()).toEqual(['Subscribe to Basic']);
    const cancel = page.getByRole('button', { name: 'Cancel now' });
    await cancel.focus(); // by keyboard one must get there to learn why
    expect(await cancel.getAttribute('aria-description')).toBe(
      'There is no running subscription: subscribe first.',
    );
    await page.keyboard.press('Enter');
    expect(await page.getByRole('list', { name: 'What travelled' }).innerText()).toContain('Press a button');
    expect(addresses.filter((address) => address.endsWith('/dev/office'))).toEqual([]);
  });

  test('the commands work when they are pasted into a shell, and no secret is in the page', async () => {
    const { page, on, click } = await openPage('pastes');
    const env = {
      PATH: process.env.PATH,
      USHER_SERVICE_KEY: ADMIN_KEY,
      STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
    };
    const paste = async (command: string | null) =>
      JSON.parse((await promisify(execFile)('sh', ['-c', command ?? ''], { env })).stdout) as unknown;

    await click('Subscribe to Basic');
    const webhook = await shownCode(page, 'Curl', 'stripe-signature');
    expect(await paste(webhook)).toEqual({ received: true, duplicate: true });
    await click('Publish an event');
    const publish = await shownCode(page, 'Curl', '/v1/events');
    const log = on('Phone').getByRole('list', { name: 'Events received by Phone' });
    await log.getByText('#2').waitFor();
    expect(await paste(publish)).toEqual({ accepted: [{ id: expect.any(String), offset: 3 }] });
    await log.getByText('#3').waitFor();

    const html = await page.content();
    for (const secret of [ADMIN_KEY, STRIPE_SECRET]) expect(html).not.toContain(secret);
    expect(html).not.toMatch(/eyJ/);
  });

  test('an action shows its payload, what became of it on each device, and where to read on', async () => {
    const { page, click } = await openPage('asks');
    await click('Publish an event');
    const trace = page.locator('.trace').first();
    await shownCode(page, 'Payload', '"epoch"'); // the event as each device gets it
    await trace.getByText('Timeline').click();
    for (const device of DEVICES)
      await trace
        .getByRole('listitem')
        .filter({ hasText: new RegExp(`^${device} applied after`) })
        .waitFor();
    const [, tag, operation] = /#\/([^/]+)\/(\w+)$/.exec(await hrefOf(page, 'API: publishEvents')) ?? [];
    const { paths } = (await (await fetch(`${usher.url}/docs-json`)).json()) as OpenApi;
    expect(paths['/v1/events']?.post).toMatchObject({
      operationId: operation,
      tags: [decodeURIComponent(tag ?? '')],
    });
    expect(await hrefOf(page, 'In the console')).toMatch(/^\/console\/users\/asks\/events\/[\w-]{36}$/);
  });

  test('a screen that plays shows its slot, its lease and the bytes; stopped at the edge, not a byte follows', async () => {
    const { on, click } = await openPageWithPremium('streams');
    const stream = on('Living-room TV').getByRole('group', { name: 'Stream of Living-room TV' });
    await on('Living-room TV').getByRole('button', { name: 'Play' }).click();
    await stream.getByText('Slot 1 of 4').waitFor();
    await stream.getByText(/^Lease \d+ s$/).waitFor();
    const bytes = async () => Number.parseFloat(await stream.locator('.bytes').innerText());
    const first = await bytes();
    await eventually('bytes flow', async () => (await bytes()) > first);
    await on('Phone').getByText('Playing on Living-room TV').waitFor();

    const reason = { 'usher-reason': 'a test' };
    await usher.backOffice.call('DELETE', '/v1/users/streams/streams', undefined, reason);
    await stream.getByText('Bytes stopped: an operator stopped the stream').waitFor();
    await on('Phone').getByText('Paused on Living-room TV').waitFor();
    const last = await bytes();
    await click('Publish an event');
    await on('Living-room TV').getByText('Free week', { exact: true }).waitFor();
    expect(await bytes()).toBe(last);
  });

  test('with one slot a second film is refused, and the same film goes on elsewhere', async () => {
    const { on, click } = await openPage('one-slot');
    await click('Subscribe to Basic');
    await click('Run tonight’s recommendations');
    await on('Living-room TV').getByRole('button', { name: 'Play' }).click();
    await on('Living-room TV').getByText('Slot 1 of 1').waitFor();
    await on('Phone').getByRole('list', { name: 'Tonight’s' }).getByRole('button').first().click();
    await on('Phone').getByText('Refused: All streams that the plan allows are running').waitFor();
    await on('Browser').getByRole('button', { name: 'Continue here' }).click();
    await on('Browser').getByText('Slot 1 of 1').waitFor();
    await on('Living-room TV').getByText('Playing on Browser').waitFor();
    await on('Living-room TV').getByText('another screen goes on').waitFor();
  });

  test('what was pushed to a phone that sleeps is in “What travelled”', async () => {
    const { page, on, click } = await openPageWithPremium('pushed');
    await on('Phone').getByRole('button', { name: 'Unplug' }).click();
    await click('Cancel at period end');
    const travelled = page.getByRole('list', { name: 'What travelled' });
    await travelled.getByText(/^Phone push delivered after/).waitFor();
    await on('Phone').getByRole('button', { name: 'Plug in' }).click();
    await travelled
      .getByText(/^Phone .* applied$/)
      .first()
      .waitFor();
  });

  test('a row of a log opens to the event as it came, and the slider says a time', async () => {
    const { page, on } = await openPageWithPremium('speaks');
    const row = on('Browser').locator('[data-event="membership.changed"]');
    await row.locator('summary').focus();
    await page.keyboard.press('Enter');
    await row.getByText('"reason": "customer.subscription.created"').waitFor();
    await on('Living-room TV').getByRole('button', { name: 'Play' }).click();
    const slider = on('Living-room TV').getByRole('slider');
    await slider.focus();
    await page.keyboard.press('End');
    expect(await slider.getAttribute('aria-valuetext')).toBe('42:00 of 42:00');
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

  test.each([
    [1280, 'dark'],
    [1280, 'light'],
    [390, 'dark'],
    [390, 'light'],
  ] as const)('axe finds nothing at %i px, %s', async (width, colorScheme) => {
    const { page, on, click } = await openPage(`axe-${width}-${colorScheme}`, { width, colorScheme });
    const axe = async () => (await page.evaluate('axe.run()')) as { violations: AxeViolation[] };
    await page.evaluate(AXE);
    expect((await axe()).violations.map(describeViolation)).toEqual([]);
    await click('Subscribe to Basic');
    await on('Living-room TV').getByText('Basic · active').waitFor();
    await on('Living-room TV').getByRole('button', { name: 'Play' }).click();
    await on('Living-room TV').getByText('Slot 1 of 1').waitFor();
    await click('Run tonight’s recommendations');
    await click('Publish an event');
    await page.locator('.trace').first().getByText('Timeline').click();
    await on('Living-room TV').getByText('Free week', { exact: true }).waitFor();
    expect((await axe()).violations.map(describeViolation)).toEqual([]);
  });
});

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

interface OpenApi {
  readonly paths: Readonly<Record<string, { readonly post?: unknown }>>;
}

const describeViolation = ({ id, nodes }: AxeViolation): string =>
  `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 120)} ${failureSummary}`).join('\n')}`;

/** Returns the newest code of a part of the newest trace, once it contains the text. */
async function shownCode(page: Page, part: 'Curl' | 'Payload', text: string): Promise<string> {
  const shown = page
    .locator('.trace')
    .first()
    .locator('details', { hasText: part })
    .filter({ hasText: text });
  await shown.waitFor({ state: 'attached' });
  return (await shown.locator('code').last().textContent()) ?? '';
}

const hrefOf = async (page: Page, link: string): Promise<string> =>
  (await page.locator('.trace').first().getByRole('link', { name: link }).getAttribute('href')) ?? '';
