import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import { CAMPAIGN_TEMPLATE } from '../../support/cases/campaign-template.js';
import { call as request } from '../../support/drivers/back-office.js';
import { followLink } from '../../support/drivers/mail-link.js';
import { registerPhone } from '../../support/drivers/phone.js';
import { type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';
import type { FakeMailServer } from '../../support/fakes/fake-mail-server.js';
import type { FakeSmsProvider } from '../../support/fakes/fake-sms-provider.js';

const sender = { provider: 'http', sender: 'Usher', price: 0.05, perSecond: 500 };
let usher: TestUsher;
let mailServer: FakeMailServer;
let sms: FakeSmsProvider;
let stop: Messaging['stop'];
beforeAll(async () => {
  ({ usher, mailServer, sms, stop } = await startMessaging({
    NODE_ENV: 'development',
    ACK_TIMEOUT_SECONDS: '1',
    SMS_ROUTES: JSON.stringify({ currency: 'EUR', routes: [{ prefix: '+49', senders: [sender] }] }),
  }));
});
afterAll(() => stop());

const call = (method: string, path: string, body?: unknown) => usher.backOffice.call(method, path, body);
async function put(path: string, body: unknown): Promise<Record<string, unknown>> {
  const reply = await call('PUT', path, body);
  expect([reply.status, reply.body.detail]).toEqual([200, undefined]);
  return reply.body;
}
let numbers = 20_000;
/** A user with a verified address of each kind. */
async function member(
  name: string,
  more: Record<string, unknown> = {},
): Promise<{ email: string; phone: string }> {
  const contact = { email: `${name}@example.com`, phone: `+4915112${(numbers += 1)}0`.slice(0, 14) };
  await put(`/v1/users/${name}/contact`, { ...contact, emailVerified: true, phoneVerified: true, ...more });
  return contact;
}
const mailTo = (email: string) =>
  eventually(`a mail to ${email}`, () => mailServer.mails.find(({ to }) => to === email));
const textTo = (phone: string) =>
  eventually(`a text to ${phone}`, () => sms.texts.find(({ to }) => to === phone));

const DATA = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string' }, days: { type: 'integer', default: 7 } },
};
const MJML = `<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ name }}, {{ days }} days.</mj-text></mj-column></mj-section></mj-body></mjml>`;
const template = (title: string, mail: Record<string, unknown> = { html: '<p>{{ name }}</p>' }) => ({
  data: DATA,
  example: { name: 'Ada' },
  locales: {
    en: {
      push: { title, body: 'Hello {{ name }}' },
      sms: { text: 'Text for {{ name }}' },
      email: { subject: 'Mail for {{ name }}', text: 'Hello {{ name }}', ...mail },
    },
    PT: { push: { title: 'Semana', body: 'Olá {{ name }}' } },
  },
});

describe('a template', () => {
  test('is published in versions that never change; going back uses an older one, and none is used once it is deleted', async () => {
    const first = await put('/v1/templates/promo.versions', template('One'));
    expect(first).toMatchObject({ version: 1, defaultLocale: 'en', locales: { pt: expect.anything() } });
    expect(await put('/v1/templates/promo.versions', template('One'))).toEqual(first);
    expect(await put('/v1/templates/promo.versions', template('Two'))).toMatchObject({ version: 2 });
    const title = async () => {
      const asked = { channel: 'push', locale: 'en-GB' };
      const { body } = await call('POST', '/v1/templates/promo.versions/preview', asked);
      return [body.version, body.title];
    };
    expect(await title()).toEqual([2, 'Two']);
    await put('/v1/templates/promo.versions/active', { version: 1 });
    expect(await title()).toEqual([1, 'One']);
    expect((await call('GET', '/v1/templates/promo.versions/versions')).body.versions).toMatchObject([
      { version: 2, isActive: false },
      { version: 1, isActive: true },
    ]);
    await expect(usher.database.query(`UPDATE template_version SET body = '{}'`)).rejects.toThrow(
      'never changes',
    );
    expect((await call('DELETE', '/v1/templates/promo.versions')).status).toBe(204);
    expectProblem(await call('GET', '/v1/templates/promo.versions'), 404, 'not_found');
    expectProblem(await call('PUT', '/v1/templates/promo.versions/active', { version: 9 }), 404, 'not_found');
    expect(await put('/v1/templates/promo.versions/active', { version: 2 })).toMatchObject({ version: 2 });
    const { templates } = (await call('GET', '/v1/templates')).body as { templates: { name: string }[] };
    expect(templates.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['digest', 'membership.changed', 'promo.versions', 'recommendations.ready']),
    );
  });

  test('of which a value may be missing is refused with all places, as is one that loops or prints too much, and nothing is stored', async () => {
    const wrong = {
      ...template('{{ nam }}'),
      locales: { en: { push: { title: '{{ nam }}', body: '\n{{ x.y }}' } } },
    };
    const reply = await call('PUT', '/v1/templates/promo.wrong', wrong);
    expectProblem(reply, 422, 'template_invalid');
    expect(reply.body.faults).toEqual([
      { at: 'locales.en.push.title:1', message: 'nam is not in the schema of the data' },
      { at: 'locales.en.push.body:2', message: 'x.y is not in the schema of the data' },
    ]);
    for (const text of ['{% for n in (1..99999999) %}a{% endfor %}', `{% include 'x' %}`]) {
      const body = { ...template('x'), locales: { en: { sms: { text } } } };
      expectProblem(await call('PUT', '/v1/templates/promo.wrong', body), 422, 'template_invalid');
    }
    for (const body of [
      { ...template('x'), data: { ...DATA, properties: { name: { type: 'string', pattern: '(a+)+$' } } } },
      { ...template('x'), data: { $ref: '#' } },
      { ...template('x'), locales: { 'no tag': { sms: { text: 'a' } } } },
      { ...template('x'), locales: { en: { sms: { text: 'a\u0000' } } } },
    ])
      expectProblem(await call('PUT', '/v1/templates/promo.wrong', body), 400, 'invalid_request');
    expectProblem(await call('PUT', '/v1/templates/digest', template('x')), 422, 'template_invalid');
    expectProblem(await call('GET', '/v1/templates/promo.wrong'), 404, 'not_found');
  });

  test('that is not published is compiled for a preview only for those who may publish it', async () => {
    await put('/v1/templates/promo.previewed', template('Read'));
    const { body } = await call('POST', '/v1/keys', { name: 'reader', scopes: ['read'] });
    const preview = (draft: object) =>
      request(usher.url, String(body.key), 'POST', '/v1/templates/promo.previewed/preview', {
        channel: 'push',
        ...draft,
      });
    expect((await preview({})).body).toMatchObject({ title: 'Read' });
    expectProblem(await preview({ template: template('Draft') }), 403, 'forbidden');
  });

  test('has room with the others: so many, and so large together; what is not used takes none', async () => {
    await put('/v1/templates/promo.large', template('Large'));
    await usher.database.query(
      `INSERT INTO template SELECT 'unused.' || n FROM generate_series(1, 200) AS n`,
    );
    await put('/v1/templates/promo.small', template('Small'));
    await usher.database.query(
      `INSERT INTO template_version (name, version, body, html)
       SELECT name, 2, body, json_build_object('en', repeat('x', 4 * 1048576)) FROM template_version WHERE name = 'promo.large'`,
    );
    await usher.database.query(`UPDATE template SET active_version = 2 WHERE name = 'promo.large'`);
    expectProblem(await call('PUT', '/v1/templates/promo.more', template('More')), 409, 'conflict');
    expect((await call('DELETE', '/v1/templates/promo.large')).status).toBe(204);
    await put('/v1/templates/promo.more', template('More'));
  });

  test('has the words of pushes of the type that it is named as, in the language of the device; an event that it cannot tell is refused', async () => {
    await put('/v1/templates/promo.pushed', template('A week'));
    const phone = await registerPhone(usher, 'pia', 'pia-phone', { locale: 'pt-BR' });
    const event = { userId: 'pia', type: 'promo.pushed', tier: 'critical' };
    const refused = await usher.backOffice.publish([{ ...event, data: { title: 'x' } }]);
    expectProblem(refused, 422, 'template_data_invalid');
    expect(refused.body).toMatchObject({ index: 0, faults: [{ at: 'data.name' }] });
    await usher.backOffice.publish([{ ...event, data: { name: 'Pia', title: 'not used' } }]);
    expect((await phone.waitForNotifications(1)).notes).toMatchObject([{ title: 'Semana', body: 'Olá Pia' }]);
  });

  test('has the words of a text and of a mail, each its own; a value becomes neither HTML nor a header', async () => {
    await put('/v1/templates/account.hello', template('Hello', { mjml: MJML }));
    const { email, phone } = await member('nia', { locale: 'pt-BR' });
    const name = '<b>Nia</b>\r\nBcc: eve@example.com';
    const send = (more: Record<string, unknown>) =>
      call('POST', '/v1/messages', {
        userId: 'nia',
        channels: ['email'],
        template: { name: 'account.hello', data: { name } },
        ...more,
      });
    expect((await send({})).status).toBe(202);
    const mail = await mailTo(email);
    expect(mail.headers.subject).toBe('Mail for <b>Nia</b> Bcc: eve@example.com');
    expect(Object.keys(mail.headers)).not.toContain('bcc');
    expect(mail.source).toContain('Hello &lt;b&gt;Nia&lt;/b&gt;');
    expect(mailServer.mails.filter(({ to }) => to === 'eve@example.com')).toEqual([]);
    expect(
      (await send({ channels: ['sms', 'email'], template: { name: 'account.hello', data: { name: 'Nia' } } }))
        .status,
    ).toBe(202);
    expect((await textTo(phone)).text).toBe('Text for Nia');
    expectProblem(await send({ template: { name: 'account.none' } }), 422, 'unknown_template');
    expectProblem(
      await send({ template: { name: 'account.hello', data: {} } }),
      422,
      'template_data_invalid',
    );
    expectProblem(await send({ text: 'both' }), 400, 'invalid_request');
    expectProblem(await send({ template: undefined, subject: 'without a text' }), 400, 'invalid_request');
  });
});

interface ToldMessage extends Record<string, unknown> {
  readonly state: string;
  readonly reason: string | null;
}
const told = async (userId: string, eventId: string) =>
  (await call('GET', `/v1/users/${userId}/events/${eventId}`)).body.message as ToldMessage | null;
const becomes = (userId: string, eventId: string, state: string, reason: string | null) =>
  eventually(`the message of ${userId} is ${state} (${reason})`, async () => {
    const message = await told(userId, eventId);
    return message?.state === state && message.reason === reason && message;
  });

describe('a fallback', () => {
  const ONE_PUSHED = { members: 1, queued: { push: 1 }, converted: 1 };
  /** As if all that has ended had done so a minute ago: what is younger is not looked at for deliveries. */
  const aMinuteLater = () =>
    usher.database.query(
      `UPDATE message SET sent_at = sent_at - interval '61 seconds';
       UPDATE push SET settled_at = settled_at - interval '61 seconds';
       UPDATE campaign_member SET converted_at = converted_at - interval '61 seconds';
       UPDATE engagement_watermark SET at = now() - interval '10 minutes' WHERE name LIKE '% 60'`,
    );
  const engagementOf = async (campaign: string) =>
    (
      await usher.database.query<{ told: string }>(
        `SELECT concat_ws(' ', kind, channel, template) AS told FROM engagement_event WHERE campaign = $1 ORDER BY 1`,
        [campaign],
      )
    ).map(({ told: one }) => one);

  /** Publishes one event of the type for each user. Returns their ids. */
  async function publish(type: string, userIds: readonly string[], tier = 'important'): Promise<string[]> {
    const data = { title: 'Your card', body: 'It expires.' };
    const { status, body } = await usher.backOffice.publish(
      userIds.map((userId) => ({ userId, type, tier, data })),
    );
    expect(status).toBe(202);
    return (body.accepted as { id: string }[]).map(({ id }) => id);
  }

  test('sends a text or mail once a push was not confirmed in time, to those who want it; the first receipt withdraws it, and the timeline says why', async () => {
    await put('/v1/fallbacks/card.expires', { channels: ['sms', 'email'], afterSeconds: 2 });
    const users = ['fay', 'gil', 'hal', 'ivy', 'jon', 'kay'] as const;
    const contacts = Object.fromEntries(
      await Promise.all(users.map(async (name) => [name, await member(name)] as const)),
    );
    // Who has no app at all is told too; gil confirms, hal wants none, ivy no texts, jon has said STOP, kay has no verified address.
    const prefer = (name: string, card: object) =>
      usher.callAs(name, 'PUT', '/v1/me/preferences', { categories: { card } });
    await prefer('hal', { channels: { push: false } });
    await prefer('ivy', { channels: { sms: false } });
    await member('kay', { emailVerified: false, phoneVerified: false });
    await registerPhone(usher, 'gil', 'gil-phone');
    await call('POST', '/v1/messages', { userId: 'jon', channels: ['sms'], text: 'Before' });
    await textTo(contacts['jon']?.phone ?? '');
    await usher.database.query(
      `INSERT INTO message_opt_out (channel, address_hash, category, source) SELECT 'sms', address_hash, '*', 'keyword' FROM message WHERE user_id = 'jon'`,
    );
    const [fay, gil, hal, ivy, jon, kay] = (await publish('card.expires', users)) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const waiting = await eventually('the text is planned', () => told('gil', gil));
    expect(waiting).toMatchObject({
      channel: 'sms',
      laterChannels: ['email'],
      isFallback: true,
      state: 'queued',
    });
    expect(waiting.explanation).toMatch(
      /^If no device confirms the event, a text follows the push at .* UTC, and if that fails by the next channel\.$/,
    );
    const seen = await usher.callAs('gil', 'POST', '/v1/me/receipts', {
      deviceId: 'gil-phone',
      ids: [gil],
      state: 'seen',
    });
    expect(seen.status).toBe(204);

    expect((await textTo(contacts['fay']?.phone ?? '')).text).toBe('Your card: It expires.');
    expect((await becomes('fay', fay, 'sent', null)).explanation).toContain('A text was sent at');
    expect((await becomes('gil', gil, 'withdrawn', 'received')).explanation).toContain(
      'nothing had to follow the push',
    );
    await becomes('hal', hal, 'withdrawn', 'preference');
    expect(await becomes('ivy', ivy, 'sent', null)).toMatchObject({ channel: 'email' });
    expect((await mailTo(contacts['ivy']?.email ?? '')).headers.subject).toBe('Your card');
    expect(await becomes('jon', jon, 'sent', null)).toMatchObject({ channel: 'email' });
    await becomes('kay', kay, 'withdrawn', 'not_verified');
    for (const name of ['gil', 'hal', 'ivy', 'kay'])
      expect(sms.texts.filter(({ to }) => to === contacts[name]?.phone)).toEqual([]);
    const { timeline } = (await call('GET', '/v1/users/fay/timeline')).body as {
      timeline: Record<string, unknown>[];
    };
    expect(timeline).toContainEqual(
      expect.objectContaining({ id: fay, message: expect.objectContaining({ state: 'sent' }) }),
    );
  });

  test('goes to verified addresses alone, whatever the type of its event is called', async () => {
    await put('/v1/fallbacks/verification.asked', { channels: ['email'], afterSeconds: 1 });
    await member('una', { emailVerified: false });
    const [id] = (await publish('verification.asked', ['una'])) as [string];
    await eventually('it is decided', async () => (await told('una', id))?.reason === 'not_verified');
  });

  test('of a critical event is sent whatever the user prefers; an event that was replaced has none, and a type without one neither', async () => {
    await put('/v1/fallbacks/card.stolen', { channels: ['email'], afterSeconds: 1 });
    const contact = await member('lea', { locale: 'de' });
    await usher.callAs('lea', 'PUT', '/v1/me/preferences', { categories: { card: { delivery: 'off' } } });
    const [critical] = await publish('card.stolen', ['lea'], 'critical');
    const event = { userId: 'lea', type: 'card.stolen', tier: 'critical', key: 'card' };
    await usher.backOffice.publish([{ ...event, data: { title: 'Old' } }]);
    const [old] = await usher.database.query<{ id: string }>(
      `SELECT id FROM mailbox_entry WHERE user_id = 'lea' AND key = 'card'`,
    );
    await eventually('the mail of the old one is planned', () => told('lea', old?.id ?? ''));
    await usher.backOffice.publish([{ ...event, data: { title: 'New' } }]);
    const [silent] = await publish('card.silent', ['lea'], 'critical');
    await becomes('lea', critical ?? '', 'sent', null);
    expect((await mailTo(contact.email)).headers).not.toHaveProperty('list-unsubscribe');
    await becomes('lea', old?.id ?? '', 'withdrawn', 'superseded');
    expect(await told('lea', silent ?? '')).toBeNull();
    expect((await call('DELETE', '/v1/fallbacks/card.stolen')).status).toBe(204);
    expectProblem(await call('DELETE', '/v1/fallbacks/card.stolen'), 404, 'not_found');
  });

  test('of a campaign counts for the campaign and its template, and its member is counted once, as pushed', async () => {
    await put('/v1/templates/advent', CAMPAIGN_TEMPLATE);
    await put('/v1/fallbacks/campaign.message', { channels: ['email'], afterSeconds: 1 });
    const { email } = await member('uli');
    const phone = await registerPhone(usher, 'uli', 'uli-phone');
    await put('/v1/audiences/away', {});
    const line = { 'content-type': 'application/x-ndjson' };
    await usher.backOffice.call('PUT', '/v1/audiences/away/members', '{"userId":"uli"}\n', line);
    await put('/v1/campaigns/followed', {
      template: { name: 'advent', data: { city: 'Berlin' } },
      audiences: ['away'],
      channels: ['push'],
      startAt: '2026-01-01T00:00:00Z',
      goal: { eventType: 'show.started', withinHours: 1 },
    });
    for (const act of ['approve', 'schedule'])
      expect((await call('POST', `/v1/campaigns/followed/${act}`)).status).toBe(200);
    await phone.waitForNotifications(1);
    await followLink(usher.url, (await mailTo(email)).source);
    const started = { userId: 'uli', type: 'show.started', tier: 'important', key: 'show', data: {} };
    await eventually('what it hopes for happened, and both came to their end', async () => {
      await usher.backOffice.publish([started]);
      const { counts, outcomes } = (await call('GET', '/v1/campaigns/followed')).body as {
        counts: object;
        outcomes: { channel: string; state: string }[];
      };
      const ends = outcomes.map(({ channel, state }) => `${channel} ${state}`).toSorted();
      return (
        isDeepStrictEqual(ends, ['email sent', 'push delivered']) &&
        isDeepStrictEqual({ ...counts, ...ONE_PUSHED }, counts)
      );
    });
    await aMinuteLater();
    await eventually('all that was done is counted for the campaign', async () =>
      isDeepStrictEqual(await engagementOf('followed'), [
        'converted push advent',
        'delivered email advent',
        'delivered push advent',
        'tapped email advent',
      ]),
    );
  });

  test.each([
    ['of a type that is never pushed', 'stream.stop', { channels: ['sms'], afterSeconds: 60 }],
    ['without a channel', 'card.x', { channels: [], afterSeconds: 60 }],
    ['with a channel twice', 'card.x', { channels: ['sms', 'sms'], afterSeconds: 60 }],
    ['at once', 'card.x', { channels: ['sms'], afterSeconds: 0 }],
  ])('%s is refused', async (_, type, body) => {
    expectProblem(await call('PUT', `/v1/fallbacks/${type}`, body), 400, 'invalid_request');
  });
});

test('a digest reaches each user by the first of its channels that they have, in the words of its own template', async () => {
  await put('/v1/templates/digest.morning', {
    locales: {
      en: {
        push: { title: '{{ count }} today', body: 'Look' },
        email: {
          subject: '{{ count }} today',
          text: '{% for item in items %}* {{ item.title | default: item.type }}{% endfor %}',
        },
      },
    },
  });
  await put('/v1/digests/morning', {
    ...{
      categories: ['social'],
      cadence: 'daily',
      at: '09:00',
      optIn: false,
      channels: ['email', 'push', 'sms'],
    },
  });
  const [mia, noa, oli] = [
    await member('mia'),
    await member('noa', { emailVerified: false }),
    await member('oli', { emailVerified: false }),
  ];
  const phones = await Promise.all(['mia', 'noa'].map((name) => registerPhone(usher, name, `${name}-phone`)));
  const users = ['mia', 'noa', 'oli'];
  await usher.backOffice.publish(
    users.map((userId) => ({
      userId,
      type: 'social.follow',
      tier: 'important',
      key: 'follow',
      data: { title: '<b>Ada</b>' },
    })),
  );
  await Promise.all(phones.map((phone) => phone.waitForNotifications(1)));
  await eventually('all are planned', async () => {
    const rows = await usher.database.query(
      `SELECT FROM digest_plan WHERE digest = 'morning' AND next_run_at > now() - interval '2 days'`,
    );
    return rows.length >= users.length;
  });
  await usher.database.query(
    `UPDATE digest_plan SET next_run_at = now(), last_date = (now()::date - 3)::text WHERE digest = 'morning' AND user_id IN ('mia', 'noa', 'oli')`,
  );
  const mail = await mailTo(mia.email);
  expect([mail.headers.subject, mail.source.includes('* <b>Ada</b>')]).toEqual(['1 today', true]);
  expect((await phones[1]?.waitForNotifications(2))?.notes).toContainEqual(
    expect.objectContaining({ title: '1 today' }),
  );
  // The template has no words for a text: those of all digests are taken.
  expect((await textTo(oli.phone)).text).toBe('1 new for you: <b>Ada</b>');
  expect((await phones[0]?.lockScreen())?.notes).toHaveLength(1);
  for (const { email } of [noa, oli]) expect(mailServer.mails.filter(({ to }) => to === email)).toEqual([]);
  for (const { phone } of [mia, noa]) expect(sms.texts.filter(({ to }) => to === phone)).toEqual([]);
});
