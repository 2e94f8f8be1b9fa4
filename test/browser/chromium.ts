import process from 'node:process';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import type { TestUsher } from '../support/drivers/usher.js';

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
