import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import { CAMPAIGN_TEMPLATE } from '../../support/cases/campaign-template.js';
import { followLink } from '../../support/drivers/mail-link.js';
import { registerPhone } from '../../support/drivers/phone.js';
import { type Messaging, startMessaging } from '../../support/drivers/messaging.js';
import type { TestUsher } from '../../support/drivers/usher.js';
import { eventually } from '../../support/eventually.js';
import { expectProblem } from '../../support/expectations.js';

let messaging: Messaging;
let usher: TestUsher;
beforeAll(async () => {
  messaging = await startMessaging({ NODE_ENV: 'development', ACK_TIMEOUT_SECONDS: '1' });
  ({ usher } = messaging);
});
afterAll(() => messaging.stop());

const call = (method: string, path: string, body?: unknown) => usher.backOffice.call(method, path, body);

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
    await usher.backOffice.put('/v1/fallbacks/card.expires', { channels: ['sms', 'email'], afterSeconds: 2 });
    const users = ['fay', 'gil', 'hal', 'ivy', 'jon', 'kay'] as const;
    const contacts = Object.fromEntries(
      await Promise.all(users.map(async (name) => [name, await messaging.member(name)] as const)),
    );
    // Who has no app at all is told too; gil confirms, hal wants none, ivy no texts, jon has said STOP, kay has no verified address.
    const prefer = (name: string, card: object) =>
      usher.callAs(name, 'PUT', '/v1/me/preferences', { categories: { card } });
    await prefer('hal', { channels: { push: false } });
    await prefer('ivy', { channels: { sms: false } });
    await messaging.member('kay', { emailVerified: false, phoneVerified: false });
    await registerPhone(usher, 'gil', 'gil-phone');
    await call('POST', '/v1/messages', { userId: 'jon', channels: ['sms'], text: 'Before' });
    await messaging.waitForText(contacts['jon']?.phone ?? '');
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

    expect((await messaging.waitForText(contacts['fay']?.phone ?? '')).text).toBe('Your card: It expires.');
    expect((await becomes('fay', fay, 'sent', null)).explanation).toContain('A text was sent at');
    expect((await becomes('gil', gil, 'withdrawn', 'received')).explanation).toContain(
      'nothing had to follow the push',
    );
    await becomes('hal', hal, 'withdrawn', 'preference');
    expect(await becomes('ivy', ivy, 'sent', null)).toMatchObject({ channel: 'email' });
    expect((await messaging.waitForMail(contacts['ivy']?.email ?? '')).headers.subject).toBe('Your card');
    expect(await becomes('jon', jon, 'sent', null)).toMatchObject({ channel: 'email' });
    await becomes('kay', kay, 'withdrawn', 'not_verified');
    for (const name of ['gil', 'hal', 'ivy', 'kay'])
      expect(messaging.textsTo(contacts[name]?.phone ?? '')).toEqual([]);
    const { timeline } = (await call('GET', '/v1/users/fay/timeline')).body as {
      timeline: Record<string, unknown>[];
    };
    expect(timeline).toContainEqual(
      expect.objectContaining({ id: fay, message: expect.objectContaining({ state: 'sent' }) }),
    );
  });

  test('goes to verified addresses alone, whatever the type of its event is called', async () => {
    await usher.backOffice.put('/v1/fallbacks/verification.asked', { channels: ['email'], afterSeconds: 1 });
    await messaging.member('una', { emailVerified: false });
    const [id] = (await publish('verification.asked', ['una'])) as [string];
    await eventually('it is decided', async () => (await told('una', id))?.reason === 'not_verified');
  });

  test('of a critical event is sent whatever the user prefers; an event that was replaced has none, and a type without one neither', async () => {
    await usher.backOffice.put('/v1/fallbacks/card.stolen', { channels: ['email'], afterSeconds: 1 });
    const contact = await messaging.member('lea', { locale: 'de' });
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
    expect((await messaging.waitForMail(contact.email)).headers).not.toHaveProperty('list-unsubscribe');
    await becomes('lea', old?.id ?? '', 'withdrawn', 'superseded');
    expect(await told('lea', silent ?? '')).toBeNull();
    expect((await call('DELETE', '/v1/fallbacks/card.stolen')).status).toBe(204);
    expectProblem(await call('DELETE', '/v1/fallbacks/card.stolen'), 404, 'not_found');
  });

  test('of a campaign counts for the campaign and its template, and its member is counted once, as pushed', async () => {
    await usher.backOffice.put('/v1/templates/advent', CAMPAIGN_TEMPLATE);
    await usher.backOffice.put('/v1/fallbacks/campaign.message', { channels: ['email'], afterSeconds: 1 });
    const { email } = await messaging.member('uli');
    const phone = await registerPhone(usher, 'uli', 'uli-phone');
    await usher.backOffice.put('/v1/audiences/away', {});
    const line = { 'content-type': 'application/x-ndjson' };
    await usher.backOffice.call('PUT', '/v1/audiences/away/members', '{"userId":"uli"}\n', line);
    await usher.backOffice.put('/v1/campaigns/followed', {
      template: { name: 'advent', data: { city: 'Berlin' } },
      audiences: ['away'],
      channels: ['push'],
      startAt: '2026-01-01T00:00:00Z',
      goal: { eventType: 'show.started', withinHours: 1 },
    });
    for (const act of ['approve', 'schedule'])
      expect((await call('POST', `/v1/campaigns/followed/${act}`)).status).toBe(200);
    await phone.waitForNotifications(1);
    await followLink(usher.url, (await messaging.waitForMail(email)).source);
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
