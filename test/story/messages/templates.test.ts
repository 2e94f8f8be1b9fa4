import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call as request } from '../../support/drivers/back-office.js';
import { registerPhone } from '../../support/drivers/phone.js';
import { type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';

let messaging: Messaging;
let usher: TestUsher;
beforeAll(async () => {
  messaging = await startMessaging({ NODE_ENV: 'development' });
  ({ usher } = messaging);
});
afterAll(() => messaging.stop());

const call = (method: string, path: string, body?: unknown) => usher.backOffice.call(method, path, body);

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
    const first = await usher.backOffice.put('/v1/templates/promo.versions', template('One'));
    expect(first).toMatchObject({ version: 1, defaultLocale: 'en', locales: { pt: expect.anything() } });
    expect(await usher.backOffice.put('/v1/templates/promo.versions', template('One'))).toEqual(first);
    expect(await usher.backOffice.put('/v1/templates/promo.versions', template('Two'))).toMatchObject({
      version: 2,
    });
    const title = async () => {
      const asked = { channel: 'push', locale: 'en-GB' };
      const { body } = await call('POST', '/v1/templates/promo.versions/preview', asked);
      return [body.version, body.title];
    };
    expect(await title()).toEqual([2, 'Two']);
    await usher.backOffice.put('/v1/templates/promo.versions/active', { version: 1 });
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
    expect(await usher.backOffice.put('/v1/templates/promo.versions/active', { version: 2 })).toMatchObject({
      version: 2,
    });
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
    await usher.backOffice.put('/v1/templates/promo.previewed', template('Read'));
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
    await usher.backOffice.put('/v1/templates/promo.large', template('Large'));
    await usher.database.query(
      `INSERT INTO template SELECT 'unused.' || n FROM generate_series(1, 200) AS n`,
    );
    await usher.backOffice.put('/v1/templates/promo.small', template('Small'));
    await usher.database.query(
      `INSERT INTO template_version (name, version, body, html)
       SELECT name, 2, body, json_build_object('en', repeat('x', 4 * 1048576)) FROM template_version WHERE name = 'promo.large'`,
    );
    await usher.database.query(`UPDATE template SET active_version = 2 WHERE name = 'promo.large'`);
    expectProblem(await call('PUT', '/v1/templates/promo.more', template('More')), 409, 'conflict');
    expect((await call('DELETE', '/v1/templates/promo.large')).status).toBe(204);
    await usher.backOffice.put('/v1/templates/promo.more', template('More'));
  });

  test('has the words of pushes of the type that it is named as, in the language of the device; an event that it cannot tell is refused', async () => {
    await usher.backOffice.put('/v1/templates/promo.pushed', template('A week'));
    const phone = await registerPhone(usher, 'pia', 'pia-phone', { locale: 'pt-BR' });
    const event = { userId: 'pia', type: 'promo.pushed', tier: 'critical' };
    const refused = await usher.backOffice.publish([{ ...event, data: { title: 'x' } }]);
    expectProblem(refused, 422, 'template_data_invalid');
    expect(refused.body).toMatchObject({ index: 0, faults: [{ at: 'data.name' }] });
    await usher.backOffice.publish([{ ...event, data: { name: 'Pia', title: 'not used' } }]);
    expect((await phone.waitForNotifications(1)).notes).toMatchObject([{ title: 'Semana', body: 'Olá Pia' }]);
  });

  test('has the words of a text and of a mail, each its own; a value becomes neither HTML nor a header', async () => {
    await usher.backOffice.put('/v1/templates/account.hello', template('Hello', { mjml: MJML }));
    const { email, phone } = await messaging.member('nia', { locale: 'pt-BR' });
    const name = '<b>Nia</b>\r\nBcc: eve@example.com';
    const send = (more: Record<string, unknown>) =>
      call('POST', '/v1/messages', {
        userId: 'nia',
        channels: ['email'],
        template: { name: 'account.hello', data: { name } },
        ...more,
      });
    expect((await send({})).status).toBe(202);
    const mail = await messaging.waitForMail(email);
    expect(mail.headers.subject).toBe('Mail for <b>Nia</b> Bcc: eve@example.com');
    expect(Object.keys(mail.headers)).not.toContain('bcc');
    expect(mail.source).toContain('Hello &lt;b&gt;Nia&lt;/b&gt;');
    expect(messaging.mailsTo('eve@example.com')).toEqual([]);
    expect(
      (await send({ channels: ['sms', 'email'], template: { name: 'account.hello', data: { name: 'Nia' } } }))
        .status,
    ).toBe(202);
    expect((await messaging.waitForText(phone)).text).toBe('Text for Nia');
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
