import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { call } from '../support/drivers/back-office.js';
import { ADMIN_KEY, startUsher, type TestUsher } from '../support/drivers/usher.js';
import { eventually } from '../support/eventually.js';
import { launch } from './chromium.js';
import { Pages } from './web-client/pages.js';

const MINUTE = 60_000;
jest.setTimeout(MINUTE);

/** The app under test: what a test needs is on `window.app`. */
const PAGE = `
import { createElement as h, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { connect, connectShared, UsherError } from '@usher/client';
import { UsherProvider, useUsher, useUsherEvent, useUsherState } from '@usher/client/react';

const app = { heard: [], refused: [], errors: [], renders: 0, token: undefined };
window.app = app;
app.start = ({ token, ...options }) => {
  app.token = token;
  app.client = connectShared({ ...options, deviceId: 'browser', platform: 'web', token: () => app.token });
  app.client.on('*', (event) => app.heard.push(event.offset ?? event.id));
  app.client.on('refused', (error) => app.refused.push([error instanceof UsherError, error.code]));
  app.client.on('error', (error) => app.errors.push(String(error)));
};
app.connectAlone = ({ token, ...options }) => { app.client = connect({ ...options, platform: 'web', token }); };

function Entries() {
  app.renders++;
  const entries = useUsherState((state) => state.entries.map((entry) => entry.key));
  return h('ul', null, entries.map((key) => h('li', { key }, key)));
}
function Plan() {
  const plan = useUsherState((state) => state.membership?.planId);
  app.planRenders = (app.planRenders ?? 0) + 1;
  return h('p', null, 'plan ' + plan);
}
function Toasts() {
  const client = useUsher();
  useUsherEvent('toast', (event) => { app.toasts = [...(app.toasts ?? []), event.data.text]; void client.seen(event); });
  return null;
}
app.render = () => {
  app.root = createRoot(document.getElementById('root'));
  app.root.render(h(StrictMode, null, h(UsherProvider, { client: app.client }, h(Entries), h(Plan), h(Toasts))));
};
`;

const WORKER = `
import { handlePushes } from '@usher/client/service-worker';
handlePushes(self, { isSignedIn: (userId) => userId === 'ann' });
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
`;

interface TestApp {
  client: {
    state: { connection: string; entries: { key: string }[] };
    beat(beat: object): Promise<unknown>;
    close(): void;
  };
  heard: unknown[];
  token: string | Promise<string>;
  release(): void;
  refused: unknown[];
  errors: string[];
  toasts?: string[];
  planRenders: number;
  start(options: object): void;
  connectAlone(options: object): void;
  render(): void;
}
declare const app: TestApp;
declare const navigator: object;

describe('the web client in a browser', () => {
  let usher: TestUsher;
  let browser: Browser;
  let pages: Pages;
  let context: BrowserContext;
  /** Pages that hold an open socket. */
  let connected: Page[];
  let published = 0;

  beforeAll(async () => {
    [pages, browser] = await Promise.all([Pages.start({ page: PAGE, worker: WORKER }), launch()]);
    usher = await startUsher({ CORS_ORIGINS: pages.url });
  }, MINUTE);
  beforeEach(async () => {
    context = await browser.newContext();
    connected = [];
    published = 0;
  });
  afterEach(() => context?.close());
  afterAll(async () => {
    await browser?.close();
    await pages?.close();
    await usher?.stop();
  });

  const openPage = async (): Promise<Page> => {
    const page = await context.newPage();
    const leave = () => (connected = connected.filter((other) => other !== page));
    page.on('websocket', (socket) => {
      connected.push(page);
      socket.on('close', leave);
    });
    page.on('close', leave);
    await page.goto(pages.url);
    await page.waitForFunction('window.app !== undefined');
    return page;
  };
  const openTab = async (userId: string, token?: string): Promise<Page> => {
    const page = await openPage();
    const options = { url: usher.url, userId, token: token ?? (await usher.token(userId)) };
    await page.evaluate((options) => app.start(options), options);
    return page;
  };
  const publish = async (userId: string, fields: object = {}): Promise<void> => {
    const n = ++published;
    const event = { userId, type: 'note', tier: 'important', key: `note:${n}`, data: { n }, ...fields };
    expect((await usher.backOffice.publish([event])).status).toBe(202);
  };
  const connectionOf = (page: Page) => page.evaluate(() => app.client.state.connection);
  const heardBy = (page: Page) => page.evaluate(() => app.heard);
  const untilLive = (tabs: Page[]) =>
    eventually('all tabs are live', async () =>
      (await Promise.all(tabs.map(connectionOf))).every((each) => each === 'live'),
    );
  const untilHeard = (tabs: Page[], last: number) =>
    eventually(`all tabs heard ${last}`, async () =>
      (await Promise.all(tabs.map(heardBy))).every((heard) => heard.at(-1) === last),
    );

  test('three tabs have one connection and each hears each event once; when the tab with the connection is closed, another one takes over and nothing is lost or doubled', async () => {
    const tabs = [await openTab('ann'), await openTab('ann'), await openTab('ann')];
    await untilLive(tabs);
    expect(connected).toHaveLength(1);
    for (let n = 1; n <= 5; n++) await publish('ann');
    await untilHeard(tabs, 5);

    const follower = tabs.find((tab) => !connected.includes(tab));
    const beat = { showId: 'dark', positionSeconds: 60, durationSeconds: 3_000, state: 'playing' };
    const answer = await follower?.evaluate((beat) => app.client.beat(beat), beat);
    expect(answer).toEqual({ nextSeconds: expect.any(Number) });

    const [leader] = connected;
    const others = tabs.filter((tab) => tab !== leader);
    const closing = leader?.close();
    for (let n = 6; n <= 10; n++) await publish('ann');
    await closing;
    await untilHeard(others, 10);
    await untilLive(others);
    for (const tab of others) expect(await heardBy(tab)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(connected).toHaveLength(1);
    const states = () => Promise.all(others.map((tab) => tab.evaluate(() => app.client.state)));
    // The state follows the events: a tab without the connection gets it some 50 ms later.
    await eventually('the others have the whole state', async () =>
      (await states()).every(({ entries }) => entries.length === 10),
    );
    const [one, two] = await states();
    expect(one).toEqual(two);
  });

  test('tabs go on showing what they know while another tab takes over', async () => {
    const tabs = [await openTab('eve'), await openTab('eve')];
    await untilLive(tabs);
    await publish('eve');
    await untilHeard(tabs, 1);
    const [leader] = connected;
    const other = tabs.find((tab) => tab !== leader);
    if (!leader || !other) throw new Error('no tab has the connection');
    const entriesOf = () => other.evaluate(() => app.client.state.entries.length);
    await eventually('the other tab has the state', async () => (await entriesOf()) === 1);
    // Its connection hangs, so that there is time to look.
    await other.evaluate(() => {
      const { token } = app;
      app.token = new Promise((resolve) => (app.release = () => resolve(token)));
    });
    await leader.close();
    await eventually('the other tab takes over', async () => (await connectionOf(other)) === 'connecting');
    expect(await entriesOf()).toBe(1);
    await other.evaluate(() => app.release());
    await untilLive([other]);
    expect(await entriesOf()).toBe(1);
    expect(await heardBy(other)).toEqual([1]);
  });

  test('a tab of another user shares nothing, and a token of another user closes the client', async () => {
    const [ann, bob] = [await openTab('ann2'), await openTab('bob2')];
    await untilLive([ann, bob]);
    expect(connected).toHaveLength(2);
    await publish('ann2');
    await publish('bob2');
    await publish('bob2');
    await untilHeard([ann], 1);
    await untilHeard([bob], 2);
    const wrong = await openTab('carl', await usher.token('bob2'));
    await eventually('it is closed', async () => (await connectionOf(wrong)) === 'closed');
    expect(await wrong.evaluate(() => [app.refused, app.heard])).toEqual([[[true, 'user_changed']], []]);
  });

  test('without Web Locks a tab connects by itself, and a token of another user closes it', async () => {
    await context.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
    const tab = await openTab('dora');
    await untilLive([tab]);
    expect(connected).toEqual([tab]);
    const wrong = await openTab('carl', await usher.token('dora'));
    await eventually('it is closed', async () => (await connectionOf(wrong)) === 'closed');
    expect(await wrong.evaluate(() => app.refused)).toEqual([[true, 'user_changed']]);
  });

  test('a push is shown, replaced by a newer one of its key, and removed when it was seen elsewhere; one to another user is not shown', async () => {
    await context.grantPermissions(['notifications'], { origin: pages.url });
    const page = await openPage();
    const session = await context.newCDPSession(page);
    const registered = new Promise<string>((resolve) =>
      session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        for (const { registrationId } of registrations) resolve(registrationId);
      }),
    );
    await session.send('ServiceWorker.enable');
    await page.evaluate(
      `navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => 0)`,
    );
    const registrationId = await registered;
    const push = (payload: object) =>
      session.send('ServiceWorker.deliverPushMessage', {
        origin: pages.url,
        registrationId,
        data: JSON.stringify(payload),
      });
    const shown = () =>
      page.evaluate<string[]>(
        `navigator.serviceWorker.ready.then((ready) => ready.getNotifications()).then((all) => all.map(({ title }) => title))`,
      );
    const data = (id: string, userId = 'ann') => ({ id, type: 'promo.started', userId, collapseId: 'promo' });
    await push({ title: 'one', body: 'b', tag: 'promo', data: data('1') });
    await eventually('it is shown', async () => (await shown()).join() === 'one');
    await push({ title: 'for bob', tag: 'other', data: data('9', 'bob') });
    await push({ title: 'two', tag: 'promo', data: data('2') });
    await eventually('it is replaced', async () => (await shown()).join() === 'two');
    await push({ data: { ...data('1'), clear: '1' } }); // of the older one: the newer one stays
    await push({ title: 'three', tag: 'last', data: data('3') });
    await eventually('the third is shown', async () => (await shown()).toSorted().join() === 'three,two');
    await push({ data: { ...data('2'), clear: '2' } });
    await eventually('it is removed', async () => (await shown()).join() === 'three');
  });

  test('React components show the state, render only for what they selected, and hear each event once', async () => {
    const page = await openTab('rea');
    await untilLive([page]);
    await page.evaluate(() => app.render());
    await page.getByText('plan null').waitFor();
    const before = await page.evaluate(() => app.planRenders);
    await publish('rea', { key: 'first' });
    await page.getByText('first').waitFor();
    await publish('rea', { type: 'toast', key: 'toast', data: { text: 'hello' } });
    await eventually('the toast was heard', () => page.evaluate(() => app.toasts?.length === 1));
    await page.getByText('toast').waitFor();
    expect(await page.evaluate(() => app.toasts)).toEqual(['hello']);
    expect(await page.evaluate(() => app.planRenders)).toBe(before);
    await eventually('the receipt is in', async () => {
      const { body } = await call(usher.url, ADMIN_KEY, 'GET', '/v1/users/rea/timeline');
      return JSON.stringify(body).includes('"state":"seen"');
    });
  });
});
