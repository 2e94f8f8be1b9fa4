/*
 * The web client in headless Chromium as a device of the room. The page of ROOM_PAGE makes the device (page.mjs); orders and lines pass
 * through here.
 */
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const { ROOM_URL, ROOM_TOKENS, ROOM_DEVICE, ROOM_PAGE, CHROMIUM_PATH } = process.env;

const browser = await chromium.launch({
  executablePath: CHROMIUM_PATH,
  args: ['--no-sandbox', '--disable-background-networking'],
});
const page = await browser.newPage();
await page.exposeFunction('say', (line) => void process.stdout.write(`${JSON.stringify(line)}\n`));
page.on('pageerror', (error) => console.error(String(error)));
await page.goto(ROOM_PAGE);
await page.evaluate((options) => globalThis.openDevice(options), {
  url: ROOM_URL,
  tokens: ROOM_TOKENS,
  deviceId: ROOM_DEVICE,
});
const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => void page.evaluate((order) => globalThis.device.obey(order), JSON.parse(line)));
orders.on('close', () => void browser.close());
process.stdout.write('{"ready":true}\n');
