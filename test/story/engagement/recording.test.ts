import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ago, DAY_MS, MINUTE_MS } from '../../support/ago.js';
import { EngagementCalls, event } from '../../support/drivers/engagement-calls.js';
import { startUsher, type TestUsher } from '../../support/drivers/usher.js';
import { expectProblem } from '../../support/expectations.js';

let usher: TestUsher;
let engagement: EngagementCalls;
beforeAll(async () => {
  usher = await startUsher({ ENGAGEMENT_APP_KINDS: 'shared' });
  engagement = new EngagementCalls(usher);
});
afterAll(() => usher.stop());

describe('POST /v1/engagement', () => {
  test('stores what is new, says what was known, and names what is too far from now', async () => {
    const [one, two] = [event({ campaign: 'stored' }), event({ campaign: 'stored', kind: 'my.kind' })];
    expect((await engagement.record(one, two, one)).body).toEqual({ new: 2, known: 1, refused: [] });
    const wrong = [event({ at: ago(8 * DAY_MS), id: 'old' }), event({ at: ago(-6 * MINUTE_MS), id: 'next' })];
    const reply = await engagement.record(
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
    await engagement.totalsBecome('stored', { opened: 2, 'my.kind': 1 });
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
      const reply = await engagement.record(event(changes));
      expectProblem(reply, 400, 'invalid_request');
      expect((reply.body.errors as { path: string }[])[0]?.path).toBe(path);
    }
    expectProblem(await engagement.record(), 400, 'invalid_request');
    expectProblem(
      await engagement.record(...Array.from({ length: 1_001 }, () => event())),
      400,
      'invalid_request',
    );
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
    await engagement.record(event({ campaign: 'real', team: 'film' }));
    await engagement.totalsBecome('real', { opened: 1 });
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
