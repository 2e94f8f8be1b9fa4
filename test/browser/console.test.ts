import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type NonDelivery, prepareNonDeliveries } from '../support/cases/non-delivery.js';
import { subscriptionIds } from '../support/drivers/stripe-webhooks.js';
import { startUsher, type TestUsher } from '../support/drivers/usher.js';
import { type FakeFcm, startFakeFcm } from '../support/fakes/fake-fcm.js';
import { launch } from './chromium.js';

const MINUTE = 60_000;
// Longer than Playwright's own timeout, whose message says more than a test timeout.
jest.setTimeout(MINUTE);

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WHOLE_USER = 'ann';

const MOST_TABS = 250;
/** Marks what has the focus; returns whether it was not marked before. What shows no sign of it is not marked. */
const REACH = `(() => {
  const { activeElement: one, body } = document;
  if (one === body || one.dataset.reached) return one === body && !body.dataset.left && (body.dataset.left = '1');
  const { outlineStyle, boxShadow } = getComputedStyle(one);
  one.dataset.reached = outlineStyle !== 'none' || boxShadow !== 'none' ? 'yes' : 'unseen';
  return true;
})()`;
/** What a person could use, and the Tab key did not come to, or came to unseen. Of radio buttons it comes to one. */
const UNREACHED = `[...document.querySelectorAll('a[href], button:enabled, input:enabled, select, textarea, summary, [tabindex="0"]')]
  .filter((one) => one.type !== 'radio' && one.checkVisibility() && one.dataset.reached !== 'yes')
  .map((one) => (one.dataset.reached ?? 'not reached') + ' ' + one.outerHTML.slice(0, 120))`;

describe('the console', () => {
  let usher: TestUsher;
  let browser: Browser;
  let page: Page;
  let errors: string[];
  let addresses: string[];
  let fcm: FakeFcm;
  let nonDeliveries: ReadonlyMap<string, NonDelivery>;

  beforeAll(async () => {
    fcm = await startFakeFcm();
    [usher, browser] = await Promise.all([
      startUsher({ NODE_ENV: 'development', CONSOLE: 'on', ACK_TIMEOUT_SECONDS: '1', ...fcm.environment }),
      launch(),
    ]);
    await usher.backOffice.putPlan('premium', ['price_premium']);
    await usher.stripe.sendEvent('customer.subscription.created', {
      ...subscriptionIds(WHOLE_USER),
      price: 'price_premium',
    });
    const ofBen = { ...subscriptionIds('ben'), price: 'price_nobody_has' };
    const waiting = usher.stripe.event('customer.subscription.created', ofBen);
    await usher.stripe.send({ ...waiting, id: 'evt_of_ben' });
    await usher.backOffice.call('POST', '/v1/keys', { name: 'helpdesk', scopes: ['support'] });
    await usher.callAs(WHOLE_USER, 'PUT', '/v1/me/devices/ann-phone', {
      platform: 'ios',
      timezone: 'Asia/Tokyo',
    });
    await usher.backOffice.recommend([{ userId: WHOLE_USER, version: 'tonight', items: [] }]);
    const tv = await usher.device(WHOLE_USER, 'ann-tv');
    await usher.backOffice.publish([
      { userId: WHOLE_USER, type: 'note.added', tier: 'important', key: 'note', data: {} },
    ]);
    await tv.waitFor('note.added');
    const engaged = ['autumn', 'winter'].flatMap((campaign) =>
      ['delivered', 'opened', 'tapped'].map((kind) => ({
        id: `${campaign} ${kind}`,
        userId: WHOLE_USER,
        kind,
        campaign,
        at: new Date().toISOString(),
      })),
    );
    await usher.backOffice.call('POST', '/v1/engagement', { events: engaged });
    await writeCampaign('autumn');
    nonDeliveries = await prepareNonDeliveries(usher, fcm);
  }, MINUTE);
  afterEach(() => page?.context().close());
  afterAll(async () => {
    await browser?.close();
    await usher?.stop();
    await fcm?.close();
  });

  /** A campaign to Ann and to somebody who has no device; a draft. */
  const writeCampaign = async (name: string) => {
    const put = (path: string, body: unknown) => usher.backOffice.call('PUT', path, body);
    const words = { push: { title: 'Autumn', body: 'Two for one' } };
    await put('/v1/templates/autumn', { data: { type: 'object' }, example: {}, locales: { en: words } });
    await put('/v1/audiences/viewers', {});
    const lines = `{"userId":"${WHOLE_USER}"}\n{"userId":"nobody-at-home"}\n`;
    await usher.backOffice.call('PUT', '/v1/audiences/viewers/members', lines, {
      'content-type': 'application/x-ndjson',
    });
    const { status } = await put(`/v1/campaigns/${name}`, {
      template: { name: 'autumn' },
      audiences: ['viewers'],
      channels: ['push', 'app'],
      startAt: '2026-01-01T00:00:00Z',
      cap: { campaigns: 3, withinDays: 7 },
      goal: { eventType: 'show.started', withinHours: 72 },
    });
    expect(status).toBe(200);
  };
  const newLink = async (role = 'admin') => {
    const { body } = await usher.backOffice.call('POST', '/v1/console/links', { role });
    return `${usher.url}/console/#${String(body.token)}`;
  };
  const open = async (address: string, options: BrowserContextOptions = {}) => {
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })).newPage();
    errors = [];
    addresses = [];
    page.on('request', (request) => addresses.push(request.url()));
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
    });
    await page.goto(address);
  };
  const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true });
  const openUser = async (options?: BrowserContextOptions) => {
    await open(await newLink(), options);
    await heading('Overview').waitFor();
    await page.getByRole('searchbox', { name: 'Id', exact: true }).fill(WHOLE_USER);
    await page.keyboard.press('Enter');
    await heading(WHOLE_USER).waitFor();
  };

  test('is opened by a one-time link, once, and no secret is left where a script could read it', async () => {
    const link = await newLink();
    await open(link);
    await heading('Overview').waitFor();
    expect(page.url()).toBe(`${usher.url}/console/`);
    const left = await page.evaluate(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
    );
    expect(left).toBe('[{},{},""]');
    expect(addresses.filter((address) => new URL(address).host !== new URL(usher.url).host)).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
    await open(link);
    await page.getByRole('alert').getByText('This link was used before').waitFor();
  });

  test('is opened by a link that is pasted where it is open already', async () => {
    await open(`${usher.url}/console/`);
    await page.getByText('Open the link that').waitFor();
    await page.goto(await newLink());
    await heading('Overview').waitFor();
    expect(page.url()).toBe(`${usher.url}/console/`);
  });

  test.each([
    ['wide', 1280],
    ['on a phone', 390],
  ])('leads from page to page by its navigation, which shows where one is: %s', async (_, width) => {
    await open(await newLink(), { viewport: { width, height: 800 } });
    await heading('Overview').waitFor();
    const pages = page.getByRole('navigation', { name: 'Pages' });
    const links = pages.getByRole('link');
    const names = await links.allTextContents();
    expect(names.length).toBeGreaterThan(9);
    for (const name of [...names, ...names.toReversed()]) {
      await links.and(page.getByText(name, { exact: true })).click();
      await heading(name).waitFor();
      const current = pages.locator('[aria-current="page"]');
      expect(await current.textContent()).toBe(name);
      const box = await current.boundingBox();
      expect(box && box.x >= 0 && box.x + box.width <= width).toBe(true);
    }
    expect(errors).toEqual([]);
  });

  test('says that a page has failed, which would be empty', async () => {
    await open(await newLink());
    await heading('Overview').waitFor();
    await page.route('**/v1/plans?*', (route) => route.fulfill({ json: { plans: [null] } }));
    await page.getByRole('link', { name: 'Plans', exact: true }).click();
    await heading('This page has failed').waitFor();
    await page.unroute('**/v1/plans?*');
    await page.getByRole('link', { name: 'Load it again' }).click();
    await heading('Plans').waitFor();
  });

  test('finds a user, and says in a sentence why an event did not reach a device', async () => {
    await openUser();
    const event = page.getByRole('listitem').filter({ hasText: 'Event note.added' });
    const phone = event.getByRole('listitem').filter({ hasText: 'ann-phone' });
    await phone.getByText('It has no push address, so it cannot be woken').waitFor();
    const tv = event.getByRole('listitem').filter({ hasText: 'ann-tv' });
    await tv.getByText(/It arrived after \d+ ms/).waitFor();
  });

  test('answers “why did this device not get it?” for every case that there is, in the words of the server', async () => {
    await open(await newLink());
    await heading('Overview').waitFor();
    expect(nonDeliveries.size).toBe(10);
    for (const { userId, eventId, deviceId, says } of nonDeliveries.values()) {
      await page.goto(`${usher.url}/console/users/${userId}/events/${eventId}`);
      const isKnown = says.source !== nonDeliveries.get('never published')?.says.source;
      if (isKnown) {
        await page.getByLabel('Device').fill(deviceId);
        await page.getByRole('button', { name: 'Why?' }).click();
      }
      await page.getByText(says).waitFor();
    }
    const { userId, says } = nonDeliveries.get('quiet hours') as NonDelivery;
    await page.goto(`${usher.url}/console/users/${userId}`);
    await page.getByText(says).waitFor();
  });

  test('shows what happens while one looks at it', async () => {
    await openUser();
    await page.getByText('live', { exact: true }).waitFor();
    await usher.backOffice.publish([
      { userId: WHOLE_USER, type: 'promo.started', tier: 'important', key: 'promo', data: {} },
    ]);
    await page.getByRole('listitem').filter({ hasText: 'Event promo.started' }).first().waitFor();
  });

  test('stops a user’s streams for a reason, by keyboard alone', async () => {
    const started = await usher.backOffice.call('POST', '/v1/streams', {
      userId: WHOLE_USER,
      deviceId: 'ann-tv',
      titleId: 'the-salt-road',
      edgeId: 'edge-1',
    });
    expect(started.status).toBe(201);
    await openUser();
    await page.getByRole('cell', { name: 'the-salt-road' }).waitFor();
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press('Tab');
        if ((await page.evaluate('document.activeElement?.textContent')) === name) return;
      }
      throw new Error(`no way to ${name} by keyboard`);
    };
    await tabTo('Stop all streams');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Stop all streams' }).waitFor();
    await page.keyboard.type('the customer asked');
    expect(await page.getByLabel('Reason').inputValue()).toBe('the customer asked');
    await tabTo('Stop all streams');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('1 stream was stopped.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Nothing is playing.').waitFor();
    expect((await usher.backOffice.call('GET', `/v1/users/${WHOLE_USER}`)).body.streams).toEqual([]);
  });

  test('makes the plan that a webhook waits for, and the webhook is applied', async () => {
    await usher.stripe.sendEvent('customer.subscription.created', {
      ...subscriptionIds('dan'),
      price: 'price_family',
    });
    await open(await newLink('operate'));
    await heading('Overview').waitFor();
    const alarm = page.getByRole('listitem').filter({ hasText: 'for a plan or a link' });
    await alarm.getByRole('link', { name: 'Look' }).click();
    await page.getByRole('row').filter({ hasText: 'price_family' }).getByRole('link').first().click();
    await page.getByRole('link', { name: 'Create a plan with price_family' }).click();
    await page.getByLabel('Id', { exact: true }).last().fill('family');
    await page.getByLabel('Name').fill('Family');
    await page.getByRole('button', { name: 'Create plan' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The price price_family is added').waitFor();
    await dialog.getByLabel('Reason').fill('a new plan');
    await dialog.getByRole('button', { name: 'Create plan' }).click();
    await heading('Family').waitFor();
    await page.goto(`${usher.url}/console/users/dan`);
    await page.getByText('By stripe: customer.subscription.created').waitFor();
  });

  test('sends a test event to one device, and shows what becomes of it', async () => {
    await openUser();
    await page.getByRole('button', { name: 'Test event to ann-tv' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('does the TV hear us?');
    await dialog.getByRole('button', { name: 'Test event' }).click();
    await dialog.getByRole('link', { name: 'Look what becomes of it' }).click();
    await heading('support.test').waitFor();
    await page.getByText(/It arrived after \d+ ms/).waitFor();
  });

  test('sends an event again to the devices that have not got it', async () => {
    const { userId, eventId } = nonDeliveries.get('asleep') as NonDelivery;
    await open(await newLink('support'));
    await heading('Overview').waitFor();
    await page.goto(`${usher.url}/console/users/${userId}/events/${eventId}`);
    await page.getByRole('button', { name: 'Resend' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('the customer waits for it');
    await dialog.getByRole('button', { name: 'Resend' }).click();
    await dialog.getByText('is asleep and cannot be pushed to: it gets it when it connects').waitFor();
  });

  test('pauses a push provider, says so in the overview, resumes it, and shows what became of pushes', async () => {
    await open(await newLink('operate'));
    await heading('Overview').waitFor();
    await page.goto(`${usher.url}/console/push`);
    const act = async (name: string) => {
      await page.getByRole('button', { name: `${name} webpush` }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill('a wrong campaign');
      await dialog.getByRole('button', { name }).click();
      await dialog.getByRole('status').waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
    };
    await act('Pause');
    await page.getByRole('row').filter({ hasText: 'webpush' }).getByText('paused').waitFor();
    await page
      .getByRole('row')
      .filter({ hasText: 'address no longer good' })
      .getByText('Unregistered')
      .waitFor();
    await page.goto(`${usher.url}/console/`);
    await page.getByText('Pushes by webpush are paused.').waitFor();
    await page.goto(`${usher.url}/console/push`);
    await act('Resume');
    await page.getByRole('button', { name: 'Pause webpush' }).waitFor();
  });

  test('says of a campaign to everyone that its counts are a sample, and withdraws it', async () => {
    const campaign = { template: { name: 'autumn' }, to: 'everyone', startAt: '2026-01-01T00:00:00Z' };
    const { status } = await usher.backOffice.call('PUT', '/v1/campaigns/closed', campaign);
    expect(status).toBe(200);
    for (const act of ['approve', 'schedule'])
      await usher.backOffice.call('POST', `/v1/campaigns/closed/${act}`);
    await open(await newLink('operate'));
    await heading('Overview').waitFor();
    await page.goto(`${usher.url}/console/campaigns/closed`);
    await page.getByText('in force', { exact: true }).waitFor();
    await page.getByText('Devices are counted by a sample').waitFor();
    expect(await page.getByRole('button', { name: 'Pause', exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Abort', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('it is open again');
    await dialog.getByRole('button', { name: 'Abort', exact: true }).click();
    await page.getByText('withdrawn', { exact: true }).waitFor();
    expect(await faultsOf('campaign to everyone')).toEqual([]);
  });

  test('takes a campaign from its draft to its end, and shows what became of its members and what they did', async () => {
    await open(await newLink('operate'));
    await heading('Overview').waitFor();
    await page.goto(`${usher.url}/console/campaigns/autumn`);
    const act = async (name: string) => {
      await page.getByRole('button', { name, exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Reason').fill('autumn has come');
      await dialog.getByRole('button', { name, exact: true }).click();
      await dialog.waitFor({ state: 'hidden' });
    };
    await act('Approve');
    await act('Schedule');
    await page.getByText('done', { exact: true }).waitFor();
    const row = (name: string) => page.getByRole('row').filter({ hasText: name });
    await row('Sent by app').getByText('50.0 %').waitFor();
    await row('Skipped: no_address').getByText('50.0 %').waitFor();
    await usher.backOffice.publish([
      { userId: WHOLE_USER, type: 'show.started', tier: 'important', key: 'show', data: {} },
    ]);
    await row('Converted').getByText('100.0 %').waitFor();
    await page.getByRole('img', { name: 'Shares of those who got it' }).waitFor();
    await page.goto(`${usher.url}/console/users/${WHOLE_USER}`);
    const step = page.getByRole('listitem').filter({ hasText: 'Campaign autumn' });
    await step.getByText('It was sent by app').waitFor();
  });

  test('says for whom a change of a plan is, before it is made', async () => {
    await open(await newLink('operate'));
    await heading('Overview').waitFor();
    await page.goto(`${usher.url}/console/plans/premium`);
    await page.getByLabel('Streams at once').fill('7');
    await page.getByRole('button', { name: 'Save plan' }).click();
    await page
      .getByRole('dialog')
      .getByText(/^1 members \(1 active\) get a new version/)
      .waitFor();
  });

  test('offers nothing that the role does not allow', async () => {
    await open(await newLink('read'));
    await heading('Overview').waitFor();
    await page.goto(`${usher.url}/console/users/${WHOLE_USER}`);
    await page.getByRole('heading', { name: 'Membership' }).waitFor();
    expect(await page.getByRole('button', { name: 'Revoke tokens' }).count()).toBe(0);
  });

  test('is left by signing out', async () => {
    await openUser();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('Open the link that').waitFor();
    await page.reload();
    await page.getByText('Open the link that').waitFor();
  });

  describe.each([
    ['wide and light', { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }],
    ['on a phone and dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
  ] as const)('%s', (_, options) => {
    test('breaks no time, action or short id of the audit in two, and shows a large change when it is asked for', async () => {
      await open(await newLink(), options);
      await heading('Overview').waitFor();
      await page.goto(`${usher.url}/console/audit`);
      await page.getByRole('cell', { name: 'campaign.put' }).first().waitFor();
      const broken = await page.evaluate(
        `[...document.querySelectorAll('td time, td .id')].filter((one) => one.getClientRects().length > 1).map((one) => one.textContent)`,
      );
      expect((broken as string[]).filter((text) => text.length <= 24)).toEqual([]);
      const row = page.getByRole('row').filter({ hasText: 'campaign.put' }).first();
      await row.getByText(/^\d fields$/).click();
      await row.getByText('startAt').waitFor();
      expect(await faultsOf('an open change')).toEqual([]);
    });

    test('has no page with a fault of accessibility, nor one that is wider than the screen', async () => {
      await open(`${usher.url}/console/`, options);
      await page.getByText('Open the link that').waitFor();
      const faults = [...(await faultsOf('sign-in'))];
      await page.context().close();
      await open(await newLink(), options);
      await heading('Overview').waitFor();
      for (const [path, sign] of PAGES) {
        await page.goto(`${usher.url}/console${path}`);
        await page.getByText(sign).first().waitFor();
        faults.push(...(await faultsOf(path)));
      }
      await page.goto(`${usher.url}/console/keys`);
      await page.getByRole('button', { name: 'New key' }).click();
      await page.getByRole('dialog').waitFor();
      faults.push(...(await faultsOf('the dialog of a new key')));
      expect(faults).toEqual([]);
      expect(errors).toEqual([]);
    });
  });

  test('reaches all that can be used on every page by the Tab key, and shows where one is', async () => {
    await open(await newLink());
    await heading('Overview').waitFor();
    const unreached: string[] = [];
    for (const [path, sign] of PAGES) {
      await page.goto(`${usher.url}/console${path}`);
      await page.getByText(sign).first().waitFor();
      for (let presses = 0; presses < MOST_TABS; presses++) {
        await page.keyboard.press('Tab');
        if (!(await page.evaluate(REACH))) break;
      }
      unreached.push(...((await page.evaluate(UNREACHED)) as string[]).map((one) => `${path}: ${one}`));
    }
    expect(unreached).toEqual([]);
  });

  /** Each page, and what it shows once it has been read. */
  const PAGES = [
    ['/', 'for a plan or a link'],
    ['/find?q=nothing-has-this-id', 'Nothing has the id'],
    [`/users/${WHOLE_USER}`, 'Event membership.changed'],
    ['/webhooks', 'price_nobody_has'],
    ['/webhooks/stripe/evt_of_ben', 'Create a plan with price_nobody_has'],
    ['/engagement?campaign=autumn', 'By people'],
    ['/engagement/live', 'opened'],
    ['/engagement/compare?a=autumn&b=winter', 'In all'],
    ['/campaigns', 'autumn'],
    ['/campaigns/autumn', 'Funnel of the campaign'],
    ['/plans', 'price_premium'],
    ['/plans/premium', 'every member has the newest capabilities'],
    ['/new-plan?price=price_1', 'Create plan'],
    ['/push', 'Waiting to be sent'],
    ['/nightly', 'done'],
    ['/edges', 'No edge node is connected'],
    ['/keys', 'helpdesk'],
    ['/audit', 'key.create'],
    ['/nowhere', 'There is no such page'],
  ] as const;

  const faultsOf = async (where: string): Promise<string[]> => {
    await page.evaluate(AXE);
    const violations = (await page.evaluate(
      'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`))',
    )) as string[];
    const width = (await page.evaluate('document.documentElement.scrollWidth - innerWidth')) as number;
    return [...violations, ...(width > 0 ? [`${width} px too wide`] : [])].map(
      (fault) => `${where}: ${fault}`,
    );
  };
});
