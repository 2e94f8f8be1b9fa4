import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';
import { snippetsOf } from '../support/snippets.js';
import { freePort } from '../support/infrastructure/ports.js';
import { launch } from './chromium.js';

const MINUTE = 60_000;
jest.setTimeout(MINUTE);

const project = fileURLToPath(new URL('../../', import.meta.url));
/** Wide tables and code scroll by themselves; the page must not. */
const PAGE_WIDTH = 'document.documentElement.scrollWidth';

describe('the documentation', () => {
  let usher: TestUsher;
  let browser: Browser;
  beforeAll(async () => {
    [usher, browser] = await Promise.all([startUsher({ NODE_ENV: 'development' }), launch()]);
  }, MINUTE);
  afterAll(async () => {
    await browser?.close();
    await usher?.stop();
  });

  /** Opens a page of it. `problems` are errors of the console, and requests that left the server or failed. */
  const open = async (path: string, width = 1280) => {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    const problems: string[] = [];
    page.on('console', (line) => line.type() === 'error' && problems.push(line.text()));
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(usher.url)) problems.push(request.url());
    });
    await page.goto(`${usher.url}${path}`, { waitUntil: 'networkidle' });
    return { page, problems };
  };

  test.each(['/docs/', '/docs/start/web-app', '/docs/CONTRACT', '/docs/operate/alerts'])(
    '%s is there, keeps to the policy, loads nothing from elsewhere, and fits a phone',
    async (path) => {
      const { page, problems } = await open(path, 390);
      expect(await page.locator('h1').count()).toBeGreaterThan(0);
      expect(await page.evaluate(PAGE_WIDTH)).toBeLessThanOrEqual(390);
      expect(problems).toEqual([]);
      await page.close();
    },
  );

  test('finds a word in all pages, without another server', async () => {
    const { page, problems } = await open('/docs/');
    await page.keyboard.press('/');
    await page.keyboard.type('UsherWebhooksWaiting');
    await page.locator('.result').first().click();
    await page.waitForURL(/operate\/alerts.*#usherwebhookswaiting/);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('has the API to be tried, errors by their codes, and a text for language models', async () => {
    const read = async (path: string) => (await fetch(`${usher.url}${path}`)).text();
    expect(await read('/docs/api')).toContain('swagger-ui');
    expect(await read('/docs/errors')).toContain('<section id="rate_limited">');
    expect(await read('/docs/llms.txt')).toContain('# Usher');
    expect(await read('/docs/llms-full.txt')).toContain('# The contract');
  });
});

describe('the page of the tutorial', () => {
  let usher: TestUsher;
  let browser: Browser;
  let vite: ChildProcess | undefined;
  let address: string;
  let folder: string;
  beforeAll(async () => {
    [usher, browser] = await Promise.all([startUsher({ NODE_ENV: 'development' }), launch()]);
    mkdirSync(join(project, 'test-results'), { recursive: true });
    folder = mkdtempSync(join(project, 'test-results/my-app-'));
    const tutorial = readFileSync(join(project, 'docs/start/web-app.md'), 'utf8');
    const html = snippetsOf(tutorial).find(({ file }) => file === 'my-app/index.html')?.source ?? '';
    writeFileSync(join(folder, 'index.html'), html.replace('http://127.0.0.1:3000', usher.url));
    writeFileSync(join(folder, 'token.js'), `export const token = '${await usher.token('ada')}';`);
    const port = String(await freePort());
    address = `http://localhost:${port}`;
    vite = spawn(join(project, 'node_modules/.bin/vite'), [folder, '--port', port, '--strictPort'], {
      stdio: 'ignore',
    });
    await eventually('Vite serves the page', () =>
      fetch(address).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  }, MINUTE);
  afterAll(async () => {
    vite?.kill();
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
    await usher?.stop();
  });

  const publish = (title: string) =>
    usher.backOffice.publish([{ userId: 'ada', type: 'promo.started', tier: 'important', data: { title } }]);

  test('shows an event of another origin’s Usher at once, and one that it missed when it is opened again', async () => {
    const context = await browser.newContext();
    const openPage = async () => {
      const page = await context.newPage();
      await page.goto(address);
      await page.getByText('Connection: live').waitFor();
      return page;
    };
    const first = await openPage();
    await publish('Free week');
    await first.getByText('Free week').waitFor();
    await eventually('the device has acknowledged it', async () => {
      const { body } = await usher.backOffice.call('GET', '/v1/users/ada/timeline?limit=1');
      return JSON.stringify(body).includes('"received"');
    });
    await first.close();
    await publish('Second free week');
    const second = await openPage();
    await second.getByText('Second free week').waitFor();
    expect(await second.locator('#news li').count()).toBe(1);
    await context.close();
  });
});
