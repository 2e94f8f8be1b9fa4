import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { executedPlanOf, mostRowsRead } from '../../../tools/explain-statements.mjs';
import { FilledDatabase } from '../../support/infrastructure/filled-database.js';

let filled: FilledDatabase;
beforeAll(async () => {
  filled = await FilledDatabase.create(5_000);
}, 120_000);
afterAll(() => filled.drop());

/** Events of one user, of whom every fourth is in the mailbox, every fourth left nothing but receipts, and the others left the mailbox. */
const EVENTS_OF_ONE_USER = 6_000;
const PAGE = 100;
const BUSY = `
  INSERT INTO mailbox (user_id, epoch, last_offset, bucket) VALUES ('busy', 'e', ${EVENTS_OF_ONE_USER}, bucket_of('busy'));
  -- Users have some ten entries, and there are four processors: with one row for each, every index would be as good as the other.
  ALTER TABLE mailbox_entry ALTER user_id SET (n_distinct = -0.1);
  ALTER TABLE webhook ALTER processor SET (n_distinct = 4);
  INSERT INTO mailbox_entry (user_id, key, "offset", id, type, tier, at, bucket)
    SELECT 'busy', 'k' || n, n, md5('busy' || n)::uuid, 'note.one', 'important', timestamptz '2026-01-01' + n * interval '1 second', 0
    FROM generate_series(1, ${EVENTS_OF_ONE_USER}) n WHERE n % 4 = 0;
  INSERT INTO past_event (user_id, epoch, "offset", id, type, tier, key, at, bucket)
    SELECT 'busy', 'e', n, md5('busy' || n)::uuid, 'note.one', 'important', 'k', timestamptz '2026-01-01' + n * interval '1 second', 0
    FROM generate_series(1, ${EVENTS_OF_ONE_USER}) n WHERE n % 4 > 1;
  INSERT INTO receipt (user_id, device_id, epoch, "offset", event_id, type, state, received_at, bucket)
    SELECT 'busy', device, 'e', n, md5('busy' || n)::uuid, 'note.one', 2, timestamptz '2026-01-01' + n * interval '1 second', 0
    FROM generate_series(1, ${EVENTS_OF_ONE_USER}) n, unnest(ARRAY['phone', 'tv']) AS device;
  INSERT INTO webhook (processor, event_id, type, status, user_id, created_at, received_at, next_attempt_at)
    SELECT 'stripe', 'busy' || n, 'x', 'applied', 'busy', now(), timestamptz '2026-01-01' + n * interval '1 second', now()
    FROM generate_series(1, ${EVENTS_OF_ONE_USER}) n;
  ANALYZE mailbox, mailbox_entry, past_event, receipt, webhook`;

describe('of a user with many events behind them', () => {
  const middle = new Date(Date.parse('2026-01-01T00:00:00Z') + 500 * EVENTS_OF_ONE_USER).toISOString();
  beforeAll(async () => {
    await filled.client.query(BUSY);
  });

  test.each([
    ['first', [null, 0, '']],
    ['one deep', [middle, 4, '', EVENTS_OF_ONE_USER / 2]],
    ['one that begins at an instant, deep', [middle, 0, '']],
  ])('the %s page of the timeline reads what is in it, and not what is behind', async (_, place) => {
    const [at, rank, ref, below = null] = place;
    const values = ['busy', at, rank, ref, PAGE, below];
    const plan = await executedPlanOf(filled.client, filled.textOf('read-timeline'), values);
    // Of each kind of step a page, of receipts one for each device; 13 halvings for an instant.
    expect(mostRowsRead(plan)).toBeLessThanOrEqual(4 * PAGE);
    expect(mostRowsRead(plan)).toBeGreaterThanOrEqual(PAGE);
  });

  test('a receipt of a past event is looked up by its offset alone, and by its id among what is kept of the user', async () => {
    const text = filled.textOf('find-past-events');
    const read = async (offsets: string, ids: string) =>
      mostRowsRead(await executedPlanOf(filled.client, text, ['busy', 'tv', offsets, ids]));
    const { rows } = await filled.client.query(
      `SELECT id FROM past_event WHERE user_id = 'busy' AND "offset" = 2`,
    );
    expect(await read('{2}', '{}')).toBeLessThanOrEqual(1);
    expect(await read('{}', `{${(rows[0] as { id: string }).id}}`)).toBeLessThanOrEqual(
      EVENTS_OF_ONE_USER / 2,
    );
  });

  /** What a page of the console reads at most: the state has a thousand events, the silence of a processor 288 times five minutes. */
  const MOST = 1_400;
  const ID = `(SELECT event_id FROM receipt WHERE user_id = 'busy' LIMIT 1)`;
  test.each<[page: string, name: string, values: readonly unknown[]]>([
    ['overview', 'overview', ['{stripe,standard}', '{apns,fcm,webpush}']],
    ['metrics', 'oldest-waiting', ['{apns,fcm,webpush}']],
    ['metrics: campaigns', 'campaigns-waiting', []],
    ['find: the user', 'search', ['busy', null, null, '{stripe,standard}']],
    ['find: a webhook', 'search', ['busy1', null, null, '{stripe,standard}']],
    ['user: the state', 'state', ['{busy}']],
    ['user: what else is stored', 'user-record', ['busy', 30]],
    ['user: streams', 'streams-describe', ['user_id 7']],
    ['user: front pages', 'front-pages-of-user', ['user_id 7']],
    ['users of a customer', 'users-of-customer', ['stripe', 'customer_id 7']],
    ['event', 'read-event', ['busy', 'ID']],
    ['webhooks, the newest', 'webhook-list-newest', ['applied', null, null, null, PAGE]],
    ['webhooks, deep', 'webhook-list-newest', ['applied', middle, 'stripe', 'busy7', PAGE]],
    ['webhook', 'webhook-describe', ['stripe', 'busy7']],
    ['plans', 'plan-list', [null, PAGE]],
    ['plan and how many have it', 'plan-describe', ['plan_id 7']],
    ['keys', 'service-key-list', [null, null, PAGE]],
    ['runs, the newest', 'recommendation-run-list', [null, null, PAGE]],
    ['push: forecast', 'count-backlog', [PAGE]],
  ])('the console’s page of %s reads little of what is stored', async (_, name, values) => {
    const text = filled.textOf(name);
    const { rows } = await filled.client.query(`SELECT ${ID} AS id`);
    const given = values.map((value) => (value === 'ID' ? (rows[0] as { id: string }).id : value));
    expect(mostRowsRead(await executedPlanOf(filled.client, text, given))).toBeLessThanOrEqual(MOST);
  });
});
