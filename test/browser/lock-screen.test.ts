import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { launch, visit } from './chromium.js';

const MINUTE = 60_000;
jest.setTimeout(MINUTE);

let usher: TestUsher;
let browser: Browser;
beforeAll(async () => {
  [usher, browser] = await Promise.all([startUsher({ NODE_ENV: 'development' }), launch()]);
}, MINUTE);
afterAll(async () => {
  await browser?.close();
  await usher?.stop();
});

test.each([1440, 390])(
  'an unplugged phone on a page %i px wide shows pushed notifications; a tap opens the app',
  async (width) => {
    const { on, click, page, errors } = await visit(browser, usher, `sleeps-${width}`, { width });
    if (width < 700) await click('Phone');
    await click('Subscribe to Premium');
    await on('Phone').getByText('Premium · active').waitFor();
    await on('Phone').getByRole('button', { name: 'Unplug' }).click();
    await on('Phone').getByText('Asleep').waitFor();
    await click('Cancel now');
    await on('Phone').getByText('Your membership has ended.', { exact: true }).click();
    await on('Phone').getByText('live', { exact: true }).waitFor();
    expect(await on('Phone').getByRole('group', { name: 'Lock screen' }).isVisible()).toBe(false);
    expect(errors).toEqual([]);
    await page.context().close();
  },
);
