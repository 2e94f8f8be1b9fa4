import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import PostalMime from 'postal-mime';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectCleanLog, expectProblem } from '../../support/expectations.js';
import { type FakeMailServer, startFakeMailServer } from '../../support/fakes/fake-mail-server.js';
import { metric } from '../../support/metric.js';

const PUBLIC_URL = 'https://usher.example.com';
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let usher: TestUsher;
let mailServer: FakeMailServer;
const open: AbortController[] = [];
beforeAll(async () => {
  mailServer = await startFakeMailServer();
  usher = await startUsher({
    PUBLIC_URL,
    SMTP_URL: mailServer.url,
    ENGAGEMENT_APP_KINDS: 'shared',
    SMTP_FROM: 'Usher <no-reply@usher.example.com>',
  });
});
afterAll(async () => {
  for (const controller of open) controller.abort();
  await usher.stop();
  await mailServer.close();
});

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
let ids = 0;
const event = (changes: Record<string, unknown> = {}) => ({
  id: `e${(ids += 1)}`,
  userId: 'ada',
  kind: 'opened',
  at: ago(1_000),
  ...changes,
});
const record = (...events: Record<string, unknown>[]) =>
  usher.backOffice.call('POST', '/v1/engagement', { events });
interface Answer extends Record<string, unknown> {
  readonly buckets: readonly string[];
  readonly series: readonly { group: string | null; total: number; machineTotal: number; counts: number[] }[];
}
const ask = (query: Record<string, string>) =>
  usher.backOffice.call('GET', `/v1/analytics/engagement?${String(new URLSearchParams(query))}`);
const read = async (query: Record<string, string>) => (await ask(query)).body as unknown as Answer;
/** The totals of a campaign by kind, once they are these: people, and machines where there are some. */
const totalsBecome = (campaign: string, totals: Record<string, number | [number, number]>) =>
  eventually(`the totals of ${campaign} are ${JSON.stringify(totals)}`, async () => {
    const { series } = await read({ campaign, groupBy: 'kind', from: ago(3 * DAY_MS), interval: 'hour' });
    const found = series.map(({ group, total, machineTotal }) => [
      group,
      machineTotal === 0 ? total : [total, machineTotal],
    ]);
    const sorted = (entries: unknown[][]) =>
      JSON.stringify(entries.toSorted((a, b) => (String(a) < String(b) ? -1 : 1)));
    return sorted(found) === sorted(Object.entries(totals));
  });

describe('POST /v1/engagement', () => {
  test('stores what is new, says what was known, and names what is too far from now', async () => {
    const [one, two] = [event({ campaign: 'stored' }), event({ campaign: 'stored', kind: 'my.kind' })];
    expect((await record(one, two, one)).body).toEqual({ new: 2, known: 1, refused: [] });
    const wrong = [event({ at: ago(8 * DAY_MS), id: 'old' }), event({ at: ago(-6 * MINUTE_MS), id: 'next' })];
    const reply = await record(
      wrong[0] ?? {},
      two,
      event({ campaign: 'stored', at: ago(2 * DAY_MS) }),
      wrong[1] ?? {},
    );
    expect([reply.status, reply.body]).toEqual([
      200,
      {
        new: 1,
        known: 1,
        refused: [
          { index: 0, id: 'old', code: 'too_old' },
          { index: 3, id: 'next', code: 'in_future' },
        ],
      },
    ]);
    await totalsBecome('stored', { opened: 2, 'my.kind': 1 });
  });

  test('refuses what is no event, by name, and who may not publish', async () => {
    const wrong: [Record<string, unknown>, string][] = [
      [{ kind: 'Opened' }, 'events.0.kind'],
      [{ country: 'de' }, 'events.0.country'],
      [{ campaign: '*' }, 'events.0.campaign'],
      [{ at: 'yesterday' }, 'events.0.at'],
      [{ userId: 'no spaces' }, 'events.0.userId'],
      [{ id: '\u0000' }, 'events.0.id'],
      [{ colour: 'red' }, 'events.0.colour'],
    ];
    for (const [changes, path] of wrong) {
      const reply = await record(event(changes));
      expectProblem(reply, 400, 'invalid_request');
      expect((reply.body.errors as { path: string }[])[0]?.path).toBe(path);
    }
    expectProblem(await record(), 400, 'invalid_request');
    expectProblem(await record(...Array.from({ length: 1_001 }, () => event())), 400, 'invalid_request');
    expectProblem(
      await usher.callAs('ada', 'POST', '/v1/engagement', { events: [event()] }),
      401,
      'unauthorized',
    );
  });

  test('of an app stores what its own user did, whatever it says', async () => {
    const { userId: _, ...own } = event({ campaign: 'own', newField: 1 });
    const send = (body: unknown) => usher.callAs('own', 'POST', '/v1/me/engagement', body);
    expect((await send({ events: [{ ...own, userId: 'somebody' }] })).body).toMatchObject({ new: 1 });
    const stored = await usher.database.query('SELECT user_id FROM engagement_event WHERE id = $1', [own.id]);
    expect(stored).toEqual([{ user_id: 'own' }]);
    const stored2 = await usher.database.query('SELECT campaign FROM engagement_event WHERE id = $1', [
      own.id,
    ]);
    expect(stored2).toEqual([{ campaign: '(other)' }]);
  });

  test('of an app takes only kinds that an app can know, names that there are, and so many events', async () => {
    await record(event({ campaign: 'real', team: 'film' }));
    await totalsBecome('real', { opened: 1 });
    const send = (user: string, ...events: Record<string, unknown>[]) =>
      usher.callAs(user, 'POST', '/v1/me/engagement', { events });
    const own = (changes: Record<string, unknown>) => {
      const { userId: _, ...rest } = event(changes);
      return rest;
    };
    const sent = [
      own({ kind: 'tapped', campaign: 'real', team: 'film', template: 'invented' }),
      own({ kind: 'converted', campaign: 'real' }),
      own({ kind: 'unsubscribed', campaign: 'real' }),
      own({ kind: 'shared', campaign: 'real' }),
    ];
    const reply = await send('faker', ...sent);
    expect(reply.body).toMatchObject({ new: 2, known: 0 });
    expect(
      (reply.body.refused as { code: string; index: number }[]).map(({ index, code }) => [index, code]),
    ).toEqual([
      [1, 'kind_not_allowed'],
      [2, 'kind_not_allowed'],
    ]);
    const rows = await usher.database.query(
      `SELECT kind, team, campaign, template FROM engagement_event WHERE user_id = 'faker' ORDER BY kind`,
    );
    expect(rows).toEqual([
      { kind: 'shared', team: null, campaign: 'real', template: null },
      { kind: 'tapped', team: 'film', campaign: 'real', template: '(other)' },
    ]);
    expectProblem(await send('faker', own({ channel: 'x' })), 400, 'invalid_request');
    expectProblem(await send('faker', own({ platform: 'x' })), 400, 'invalid_request');
    const batch = () => Array.from({ length: 1_000 }, () => own({}));
    expect((await send('many', ...batch())).status).toBe(200);
    expect((await send('many', ...batch())).status).toBe(200);
    expectProblem(await send('many', ...batch()), 429, 'rate_limited', true);
  });
});

describe('GET /v1/analytics/engagement', () => {
  test('returns a number for each bucket, 0 where nothing was done, by groups', async () => {
    const campaign = 'asked';
    await record(
      event({ campaign, platform: 'ios', at: ago(0) }),
      event({ campaign, platform: 'ios', at: ago(2 * MINUTE_MS) }),
      event({ campaign, platform: 'tv', at: ago(2 * MINUTE_MS), kind: 'tapped' }),
    );
    await totalsBecome(campaign, { opened: 2, tapped: 1 });
    const answer = await read({
      campaign,
      from: ago(4 * MINUTE_MS),
      interval: 'minute',
      groupBy: 'kind',
    });
    expect(answer.buckets.length).toBeGreaterThanOrEqual(5);
    expect(answer.series.map(({ group, total }) => [group, total])).toEqual([
      ['opened', 2],
      ['tapped', 1],
    ]);
    const byPlatform = await read({ campaign, from: ago(DAY_MS), interval: 'hour', groupBy: 'platform' });
    expect(byPlatform.series.map(({ group, total }) => [group, total])).toEqual([
      ['ios', 2],
      ['tv', 1],
    ]);
    for (const { counts } of answer.series) expect(counts).toHaveLength(answer.buckets.length);
    const onlyTaps = await read({ campaign, kind: 'tapped', from: ago(DAY_MS), timezone: 'Asia/Tokyo' });
    expect(onlyTaps.series).toMatchObject([{ group: null, total: 1 }]);
    expect(onlyTaps.buckets.every((start) => start.endsWith('T15:00:00.000Z'))).toBe(true);
    expect((await read({ campaign: 'nobody', from: ago(DAY_MS) })).series).toEqual([]);
  });

  test('is answered from memory when it is asked again, until more is counted', async () => {
    const query = {
      campaign: 'cached',
      from: ago(DAY_MS).slice(0, 14) + '00:00Z',
      to: ago(-DAY_MS),
      interval: 'day',
    };
    await record(event({ campaign: 'cached' }));
    await totalsBecome('cached', { opened: 1 });
    const reads = async () => (await samples('usher_analytics_cache_total', 'miss')) ?? 0;
    await read(query);
    const before = await reads();
    for (let n = 0; n < 10; n += 1) await read(query);
    // The roll-ups may have counted another test's events meanwhile.
    expect((await reads()) - before).toBeLessThanOrEqual(1);
    await record(event({ campaign: 'cached' }));
    await eventually('the second one is counted', async () => (await read(query)).series[0]?.total === 2);
  });

  test('refuses what would be too much, or is no longer kept, and says what to ask instead', async () => {
    expectProblem(await ask({ from: ago(2 * DAY_MS), interval: 'minute' }), 422, 'too_many_buckets');
    expectProblem(
      await ask({ from: ago(20 * DAY_MS), to: ago(20 * DAY_MS - MINUTE_MS), interval: 'minute' }),
      422,
      'not_kept',
    );
    expectProblem(
      await ask({ from: ago(DAY_MS / 2), interval: 'minute', groupBy: 'country' }),
      422,
      'not_kept',
    );
    expectProblem(await ask({ from: ago(0), to: ago(DAY_MS) }), 400, 'invalid_request');
    expectProblem(await ask({ from: ago(-DAY_MS), to: ago(-2 * DAY_MS) }), 400, 'invalid_request');
    expect((await ask({ from: '0000-01-01T00:00:00Z', to: '1970-01-02T00:00:00Z' })).status).toBe(200);
    expectProblem(await ask({ from: ago(DAY_MS), timezone: 'Mars/Base' }), 400, 'invalid_request');
    expectProblem(await ask({ from: ago(DAY_MS), groupBy: 'user' }), 400, 'invalid_request');
  });
});

async function samples(name: string, result: string): Promise<number> {
  const text = await (await fetch(`${usher.url}/metrics`)).text();
  const lines = text.matchAll(new RegExp(`^${name}\\{[^}]*result="${result}"[^}]*\\} (\\d+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

interface Update {
  readonly id: string;
  readonly buckets: readonly { at: string; counts: readonly { kind: string; people: number }[] }[];
}

/** Watches as a browser's EventSource does. */
async function watch(campaign: string, lastEventId?: string, key = usher.secrets().ADMIN_KEY) {
  const controller = new AbortController();
  open.push(controller);
  const response = await fetch(`${usher.url}/v1/analytics/stream?campaign=${campaign}`, {
    headers: {
      authorization: `Bearer ${key}`,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    signal: controller.signal,
  });
  const updates: Update[] = [];
  let text = '';
  let isOpen = true;
  void (async () => {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, id = '', data = '{}'] = /^id: (\d+)\nevent: buckets\ndata: (.*)$/.exec(block) ?? [];
        if (id !== '') updates.push({ ...(JSON.parse(data) as Update), id });
      }
    }
  })()
    .catch(() => undefined)
    .finally(() => (isOpen = false));
  const peopleOf = (kind: string) =>
    updates
      .flatMap(({ buckets }) => buckets.flatMap(({ counts }) => counts))
      .findLast((one) => one.kind === kind)?.people;
  return { updates, peopleOf, isOpen: () => isOpen, close: () => controller.abort() };
}

describe('GET /v1/analytics/stream', () => {
  test('shows the last hour, and then what changes; who comes back gets only that', async () => {
    const at = ago(0);
    await record(
      event({ campaign: 'live', at }),
      event({ campaign: 'live', at: ago(30 * MINUTE_MS), kind: 'tapped' }),
    );
    await totalsBecome('live', { opened: 1, tapped: 1 });
    const first = await watch('live');
    await eventually(
      'the last hour is shown',
      () => first.peopleOf('opened') === 1 && first.peopleOf('tapped') === 1,
    );
    await record(event({ campaign: 'live', at }));
    await eventually('the second one is shown', () => first.peopleOf('opened') === 2);
    const last = first.updates.at(-1)?.id ?? '';
    expect(first.updates.at(-1)?.buckets).toHaveLength(1);
    first.close();
    await record(event({ campaign: 'live', at, kind: 'dismissed' }));
    await totalsBecome('live', { opened: 2, tapped: 1, dismissed: 1 });
    const again = await watch('live', last);
    await eventually('what came meanwhile is shown', () => again.peopleOf('dismissed') === 1);
    expect(again.peopleOf('tapped')).toBeUndefined();
    again.close();
  });

  test('is closed within two seconds when its key is revoked, and when it expires', async () => {
    const newKey = async () =>
      (await usher.backOffice.call('POST', '/v1/keys', { name: 'a wall', scopes: ['read'] })).body as {
        id: string;
        key: string;
      };
    const [revoked, expired] = [await newKey(), await newKey()];
    const [byRevoked, byExpired, byOther] = [
      await watch('keys', undefined, revoked.key),
      await watch('keys', undefined, expired.key),
      await watch('keys'),
    ];
    expect((await usher.backOffice.call('DELETE', `/v1/keys/${revoked.id}`)).status).toBe(204);
    await eventually('that of the revoked key is closed', () => !byRevoked.isOpen(), 2_000);
    expect(byExpired.isOpen()).toBe(true);
    await usher.database.query('UPDATE service_key SET expires_at = now() WHERE id = $1', [expired.id]);
    await eventually('that of the expired key is closed', () => !byExpired.isOpen(), 2_000);
    expect(byOther.isOpen()).toBe(true);
    byOther.close();
  });

  test('costs one query a second for any number of viewers', async () => {
    const count = () => samplesOfStatement('live-buckets');
    const viewers = await Promise.all(Array.from({ length: 20 }, () => watch('crowd')));
    await eventually('all are there', () => viewers.every(({ updates }) => updates.length === 1));
    const before = await count();
    await record(event({ campaign: 'crowd' }));
    await eventually('all see it', () => viewers.every(({ peopleOf }) => peopleOf('opened') === 1));
    expect((await count()) - before).toBeLessThanOrEqual(3);
    for (const viewer of viewers) viewer.close();
    await eventually('nobody watches', async () => (await metric(usher, 'usher_analytics_viewers')) === 0);
  });
});

const samplesOfStatement = async (statement: string): Promise<number> => {
  const text = await (await fetch(`${usher.url}/metrics`)).text();
  return Number(
    new RegExp(`^usher_statement_seconds_count\\{statement="${statement}"\\} (\\d+)$`, 'm').exec(text)?.[1] ??
      0,
  );
};

describe('a mail that is to be counted', () => {
  const BROWSER = {
    'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
  };
  const TARGET = 'https://films.example.com/autumn?id=1&x=ü';
  const HTML = `<p>Hello <a href="${TARGET.replace('&', '&amp;')}">films</a></p>`;
  const get = (path: string, headers: Record<string, string> = BROWSER, method = 'GET') =>
    fetch(`${usher.url}${path}`, { method, headers, redirect: 'manual' });

  /** Sends a mail, and returns the HTML that arrives, and the paths of its link and its image. */
  async function mailTo(name: string, tracking: Record<string, string> | undefined) {
    const email = `${name}@example.com`;
    await usher.backOffice.call('PUT', `/v1/users/${name}/contact`, { email, emailVerified: true });
    const body = { userId: name, channels: ['email'], subject: 'Autumn', text: TARGET, html: HTML, tracking };
    const reply = await usher.backOffice.call('POST', '/v1/messages', body);
    expect([reply.status, reply.body.detail]).toEqual([202, undefined]);
    const mail = await eventually('the mail arrives', () => mailServer.mails.find(({ to }) => to === email));
    const { html = '', text = '' } = await PostalMime.parse(mail.source);
    const [, link = ''] = /href="https:\/\/usher\.example\.com(\/t\/[^"]+)"/.exec(html) ?? [];
    const [, pixel = ''] = /src="https:\/\/usher\.example\.com(\/t\/[^"]+)"/.exec(html) ?? [];
    return { html, text, link, pixel, source: mail.source };
  }

  test('has links that lead where they led, and an image; each counts once, however often and late it comes', async () => {
    const { link, pixel, text } = await mailTo('cleo', { campaign: 'mailed' });
    expect(text.trim()).toBe(TARGET);
    for (let n = 0; n < 3; n += 1) {
      const followed = await get(link);
      expect([followed.status, followed.headers.get('location')]).toEqual([302, new URL(TARGET).href]);
      const image = await get(pixel);
      expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/gif']);
      expect((await image.arrayBuffer()).byteLength).toBe(42);
    }
    await totalsBecome('mailed', { tapped: 1, opened: 1 });
    // The same click, as if it came after a midnight.
    await usher.database.query(
      `UPDATE engagement_event SET at = at - interval '2 days' WHERE user_id = 'cleo'`,
    );
    await get(link);
    await record(event({ campaign: 'mailed', kind: 'converted' }));
    await totalsBecome('mailed', { tapped: 1, opened: 1, converted: 1 });
    expectCleanLog(usher, { link, user: 'cleo@example.com' });
  });

  test('says nothing of who got it, and follows no link that we did not make', async () => {
    const { link, pixel } = await mailTo('secret-name', { campaign: 'forged' });
    expect(Buffer.from(link.slice(3), 'base64url').toString('latin1')).not.toContain('secret-name');
    const wrong = [
      link.slice(0, -1),
      `${link.slice(0, 20)}${link[20] === 'A' ? 'B' : 'A'}${link.slice(21)}`,
      `${link}.gif`,
      pixel.replace('.gif', ''),
      '/t/https:%2F%2Fevil.example.com',
      '/t/x',
    ];
    for (const path of wrong) {
      const reply = await get(path);
      expect([path, reply.status, reply.headers.get('location')]).toEqual([path, 404, null]);
    }
  });

  test('counts what programs do apart from what people do', async () => {
    const { link, pixel } = await mailTo('dora', { campaign: 'scanned' });
    await get(link, BROWSER, 'HEAD');
    await get(link, { ...BROWSER, 'sec-purpose': 'prefetch' });
    await get(pixel, { 'user-agent': 'Mozilla/5.0' });
    await get(pixel, { 'user-agent': 'Mozilla/5.0 (via ggpht.com GoogleImageProxy)' });
    await totalsBecome('scanned', { tapped: [0, 1], opened: [0, 1] });
    await get(pixel);
    await totalsBecome('scanned', { tapped: [0, 1], opened: [1, 1] });
  });

  test('leads on although its link is followed again and again, and nothing is written for that', async () => {
    const { link } = await mailTo('fred', { campaign: 'replayed' });
    const replies = await Promise.all(Array.from({ length: 100 }, () => get(link)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([302]));
    await totalsBecome('replayed', { tapped: 1 });
    expect(await samples('usher_engagement_clicks_total', 'repeated')).toBeGreaterThanOrEqual(99);
  });

  test('of a person who was erased leads on, and nothing is stored of them any more', async () => {
    const { link, pixel } = await mailTo('hugo', { campaign: 'forgotten' });
    await get(link);
    await totalsBecome('forgotten', { tapped: 1 });
    expect((await usher.backOffice.call('DELETE', '/v1/users/hugo')).status).toBeLessThan(300);
    const before = await samples('usher_engagement_clicks_total', 'known');
    expect((await get(pixel)).status).toBe(200);
    await eventually(
      'the image was looked up',
      async () => (await samples('usher_engagement_clicks_total', 'known')) > before,
    );
    expect(await usher.database.query(`SELECT FROM engagement_event WHERE user_id = 'hugo'`)).toEqual([]);
  });

  test('counts who unsubscribes by its link, once, for the campaign that it was of', async () => {
    const { source } = await mailTo('gina', { campaign: 'left', team: 'film' });
    const { headers } = await PostalMime.parse(source);
    const header = headers.find(({ key }) => key === 'list-unsubscribe')?.value.replaceAll(/\s/g, '') ?? '';
    const path = header.slice(1 + PUBLIC_URL.length, -1);
    for (let n = 0; n < 2; n += 1)
      expect((await fetch(`${usher.url}${path}`, { method: 'POST' })).status).toBe(200);
    await totalsBecome('left', { unsubscribed: 1 });
    const rows = await usher.database.query(
      `SELECT team, channel FROM engagement_event WHERE campaign = 'left'`,
    );
    expect(rows).toEqual([{ team: 'film', channel: 'email' }]);
  });

  test('is the one that asks for it: others stay as they are', async () => {
    expect((await mailTo('evan', undefined)).html.trim()).toBe(HTML);
  });
});
