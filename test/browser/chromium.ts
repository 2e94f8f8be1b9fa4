import process from 'node:process';
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';

/** Debian's Chromium; `npm run test:browser` names another in CHROMIUM_PATH. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking'],
  });
}

export type DeviceName = 'Living-room TV' | 'Phone' | 'Browser';
export const DEVICES: readonly DeviceName[] = ['Living-room TV', 'Phone', 'Browser'];

/** The demo page as a person uses it, by the accessible names of its elements. */
export interface Visit {
  readonly page: Page;
  /** Every URL that the page requested. */
  readonly addresses: string[];
  /** Errors and warnings of the console, and uncaught errors. */
  readonly errors: string[];
  /** Finds a screen, also one that a narrow page hides. */
  on(device: DeviceName): Locator;
  click(label: string): Promise<void>;
  /** Returns the playback position of this screen in seconds. */
  position(device: DeviceName): Promise<number>;
  speed(label: '1×' | '60×' | '600×'): Promise<void>;
}

export interface VisitOptions {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
}

/** Subscribes the page's user to Premium. Returns the same visit when all three screens show it. */
export async function subscribeToPremium(visited: Visit): Promise<Visit> {
  await visited.click('Subscribe to Premium');
  for (const device of DEVICES) await visited.on(device).getByText('Premium · active').waitFor();
  return visited;
}

/** Opens the page for this user. Returns when all three screens are live. */
export async function visit(
  browser: Browser,
  usher: TestUsher,
  userId: string,
  { width = 1440, height = 900, colorScheme = 'dark' }: VisitOptions = {},
): Promise<Visit> {
  const context: BrowserContext = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  const addresses: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  page.on('websocket', (socket) => addresses.push(socket.url()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  await page.goto(`${usher.url}/?user=${encodeURIComponent(userId)}`);
  const on = (device: DeviceName) =>
    page.getByRole('region', { name: device, exact: true, includeHidden: true });
  for (const device of DEVICES)
    await on(device).getByText('live', { exact: true }).waitFor({ state: 'attached' });
  return {
    page,
    addresses,
    errors,
    on,
    click: (label) => page.getByRole('button', { name: label, exact: true }).click(),
    position: async (device) =>
      Number(await on(device).getByRole('progressbar').getAttribute('aria-valuenow')),
    speed: (label) => page.getByRole('radio', { name: label, exact: true }).check(),
  };
}

/** What the tests of one file have in common. Valid from `beforeAll` on. */
export interface DemoPages {
  readonly usher: TestUsher;
  /** Opens the page for the user. The test's end closes it. */
  open(userId: string, options?: VisitOptions): Promise<Visit>;
}

/** Starts a node with the demo page, and a browser, for the tests of this file or block. */
export function demoPages(settings: Record<string, string> = {}): DemoPages {
  let usher: TestUsher;
  let browser: Browser;
  let opened: Visit | undefined;
  beforeAll(async () => {
    const environment = { NODE_ENV: 'development', ...settings };
    [usher, browser] = await Promise.all([startUsher(environment), launch()]);
  }, 60_000);
  afterEach(async () => {
    await opened?.page.context().close();
    opened = undefined;
  });
  afterAll(async () => {
    await browser?.close();
    await usher?.stop();
  });
  return {
    get usher() {
      return usher;
    },
    open: async (userId, options) => (opened = await visit(browser, usher, userId, options)),
  };
}
