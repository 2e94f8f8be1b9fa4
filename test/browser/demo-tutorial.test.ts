import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { describe, expect, jest, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ADMIN_KEY, STRIPE_SECRET } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';
import { demoPages, DEVICES, subscribeToPremium } from './chromium.js';

const MINUTE = 60_000;
// Longer than Playwright's own timeout, whose message says more than a test timeout.
jest.setTimeout(2 * MINUTE);

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe('the page as a tutorial', () => {
  const demo = demoPages({ CONSOLE: 'on' });
  const openPage = (userId: string) => demo.open(userId, { width: 1280 });
  const openPageWithPremium = async (userId: string) => subscribeToPremium(await openPage(userId));

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
    const { paths } = (await (await fetch(`${demo.usher.url}/docs-json`)).json()) as OpenApi;
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
    await demo.usher.backOffice.call('DELETE', '/v1/users/streams/streams', undefined, reason);
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

  test('axe finds nothing at 1280 and 390 px, light and dark', async () => {
    const { page, on, click } = await openPage('axe');
    await page.evaluate(AXE);
    expect(await violations(page)).toEqual([]); // while there is nothing yet
    await click('Subscribe to Basic');
    await on('Living-room TV').getByText('Basic · active').waitFor();
    await on('Living-room TV').getByRole('button', { name: 'Play' }).click();
    await on('Living-room TV').getByText('Slot 1 of 1').waitFor();
    await on('Phone').getByRole('button', { name: 'Unplug' }).click();
    await click('Publish an event');
    await page.locator('.trace').first().getByText('Timeline').click();
    await on('Living-room TV').getByText('Free week', { exact: true }).waitFor();
    for (const width of [1280, 390])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 844 });
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        // Colours are judged after their transitions.
        await page.waitForFunction(
          'document.getAnimations().every((one) => !(one instanceof CSSTransition))',
        );
        expect({ width, colorScheme, found: await violations(page) }).toEqual({
          width,
          colorScheme,
          found: [],
        });
      }
  });
});

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

interface OpenApi {
  readonly paths: Readonly<Record<string, { readonly post?: unknown }>>;
}

/** Returns what axe finds, a text for each rule. */
async function violations(page: Page): Promise<string[]> {
  const found = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as AxeResult;
  return found.violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`,
  );
}

/** Returns the code of a part of the newest trace that contains the text, once it is there. */
async function shownCode(page: Page, part: 'Curl' | 'Payload', text: string): Promise<string> {
  const parts = page.locator('.trace').first().locator('details', { hasText: part });
  const code = parts.locator('code', { hasText: text }).first();
  await code.waitFor({ state: 'attached' });
  return (await code.textContent()) ?? '';
}

const hrefOf = async (page: Page, link: string): Promise<string> =>
  (await page.locator('.trace').first().getByRole('link', { name: link }).getAttribute('href')) ?? '';
