import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DeliveriesWorker } from '../../../src/engagement/deliveries/deliveries.worker.js';
import { DELIVERY_SOURCES, scansOf } from '../../../src/engagement/deliveries/delivery-scan.js';
import { DeliveryScanStore } from '../../../src/engagement/deliveries/delivery-scan.store.js';
import { PartitionStore } from '../../../src/engagement/partitions/partition.store.js';
import { EngagementInProcess } from '../../support/in-process/engagement.js';

let engagement: EngagementInProcess;
/** From which scans of deliveries a new installation begins. */
let begun: string[];
beforeAll(async () => {
  engagement = await EngagementInProcess.start();
  const rows = await engagement.postgres.query<{ name: string }>('SELECT name FROM engagement_watermark');
  begun = rows.map(({ name }) => name);
});
afterAll(() => engagement.stop());
beforeEach(() => engagement.clear());

test('deliveries are counted from the installation on, and not from when a worker first lives long enough to look', () => {
  const scans = scansOf(DELIVERY_SOURCES.filter((source) => source !== 'receipts'));
  expect(begun.toSorted()).toEqual(['rollups', ...scans.map(({ name }) => name)].toSorted());
});

const workerOf = (types: string) =>
  new DeliveriesWorker(
    new DeliveryScanStore(engagement.database),
    engagement.events,
    new PartitionStore(engagement.database),
    engagement.configOf({ ENGAGEMENT_EVENT_TYPES: types }),
  );
/** Watermarks of a worker that begins to look at what happened in the last three hours. */
const begin = async (worker: DeliveriesWorker) => {
  await worker.runOnce(); // it begins to look now
  await engagement.postgres.query(
    `UPDATE engagement_watermark SET at = now() - interval '3 hours' WHERE name ~ '(60|3600)$'`,
  );
};
const found = () =>
  engagement.postgres.query(
    `SELECT id, kind, user_id AS "userId", channel, campaign, template FROM engagement_event ORDER BY id`,
  );

describe('what was delivered is found in', () => {
  const scan = async (types: string) => {
    const worker = workerOf(types);
    await begin(worker);
    await Promise.all([worker.runOnce(), worker.runOnce()]);
    await worker.runOnce();
  };

  test('messages that were reported, and mails that the mail server took, if they are to be counted', async () => {
    const insert = (id: string, channel: string, state: string, tracking: string | null) =>
      engagement.postgres.query(
        `INSERT INTO message (id, user_id, channel, tier, category, body, state, expires_at, created_at, sent_at, settled_at, tracking, bucket)
         VALUES ($1, 'ada', $2, 'important', 'promo', '', $3, now(), now() - interval '3 hours', now() - interval '2 hours',
           CASE $3 WHEN 'sent' THEN NULL ELSE now() - interval '2 hours' END, $4, bucket_of('ada'))`,
        [id, channel, state, tracking],
      );
    const tracking = '{"campaign":"autumn","template":"hello"}';
    await insert('counted', 'sms', 'delivered', tracking);
    await insert('mailed', 'email', 'sent', tracking);
    await insert('bounced', 'email', 'failed', tracking);
    await insert('sent', 'sms', 'sent', '{}');
    await insert('not counted', 'sms', 'delivered', null);
    await scan('');
    await scan('');
    const of = { kind: 'delivered', userId: 'ada', campaign: 'autumn', template: 'hello' };
    expect(await found()).toEqual([
      { ...of, id: 'message:counted', channel: 'sms' },
      { ...of, id: 'message:mailed', channel: 'email' },
    ]);
  });

  const EVENT = 'a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11';
  const OTHER_EVENT = 'a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a12';
  const tellAda = async () => {
    await engagement.postgres.query(
      `INSERT INTO campaign (name, state, author, body) VALUES ('autumn', 'done', '{}', '{"template":{"name":"hello","version":1}}')`,
    );
    await engagement.postgres.query(
      `INSERT INTO campaign_member (campaign, user_id, state, audience, channel, event_id, due_at, bucket)
       VALUES ('autumn', 'ada', 'queued', 'all', 'push', $1, now(), bucket_of('ada'))`,
      [EVENT],
    );
  };

  test('pushes of a campaign that a provider took, each device once, and cleared or not', async () => {
    await tellAda();
    const insert = (device: string, campaign: string | null, state: string, action = 'show') =>
      engagement.postgres.query(
        `INSERT INTO push (user_id, device_id, event_id, key, type, tier, epoch, "offset", vendor, action, state, expires_at, settled_at, campaign_id, bucket)
         VALUES ('ada', $1, $2, 'k', 'campaign.message', 'important', 'e', 1, 'fcm', $3, $4, now(), now() - interval '2 hours', $5, bucket_of('ada'))`,
        [device, EVENT, action, state, campaign],
      );
    await insert('phone', 'autumn', 'delivered');
    await insert('tablet', 'autumn', 'cleared', 'clear');
    await insert('watch', 'autumn', 'gone');
    await insert('web', null, 'delivered');
    await scan('');
    await scan('');
    expect(await found()).toEqual(
      ['phone', 'tablet'].map((device) => ({
        id: `push:${EVENT}:${device}`,
        kind: 'delivered',
        userId: 'ada',
        channel: 'push',
        campaign: 'autumn',
        template: 'hello',
      })),
    );
  });

  test('receipts of the event of a campaign, once for each device, for the campaign and not for the type', async () => {
    await tellAda();
    const insert = (device: string, event: string, state: number, offset: number) =>
      engagement.postgres.query(
        `INSERT INTO receipt (user_id, "offset", device_id, epoch, event_id, type, state, received_at, created_at, bucket)
         VALUES ('ada', $4, $1, 'e', $2, 'campaign.message', $3, now(), now() - interval '2 hours', bucket_of('ada'))`,
        [device, event, state, offset],
      );
    await insert('phone', EVENT, 4, 1);
    await insert('tv', EVENT, 1, 1);
    // As of a test of a campaign: nobody is a member by it.
    await insert('phone', OTHER_EVENT, 4, 2);
    await scan('campaign.message');
    await scan('campaign.message');
    expect(await found()).toEqual([
      {
        id: `receipt:${EVENT}:phone`,
        kind: 'delivered',
        userId: 'ada',
        channel: 'app',
        campaign: 'autumn',
        template: 'hello',
      },
    ]);
  });

  test('members of campaigns to whom the goal happened, once for each campaign', async () => {
    await engagement.postgres.query(
      `INSERT INTO campaign (name, state, author, body) VALUES ('autumn', 'done', '{}', '{"template":{"name":"hello","version":1}}')`,
    );
    await engagement.postgres.query(
      `INSERT INTO campaign_member (campaign, user_id, state, audience, channel, due_at, converted_at, bucket)
       SELECT 'autumn', u, 'queued', 'all', 'push', now(), CASE u WHEN 'ada' THEN now() - interval '2 hours' END, bucket_of(u)
       FROM unnest(ARRAY['ada', 'ben']) u`,
    );
    await scan('');
    await scan('');
    expect(await found()).toEqual([
      {
        id: 'converted:autumn',
        kind: 'converted',
        userId: 'ada',
        channel: 'push',
        campaign: 'autumn',
        template: 'hello',
      },
    ]);
  });

  test('receipts of the types that are to be counted, once for each device', async () => {
    const insert = (device: string, type: string, state: number) =>
      engagement.postgres.query(
        `INSERT INTO receipt (user_id, "offset", device_id, epoch, event_id, type, state, received_at, created_at, bucket)
         VALUES ('ada', 1, $1, 'e', 'a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11', $2, $3, now(), now() - interval '2 hours', bucket_of('ada'))`,
        [device, type, state],
      );
    await insert('phone', 'promo.started', 3);
    await insert('tv', 'promo.started', 1);
    await insert('web', 'other.type', 2);
    await scan('promo.started');
    expect(await found()).toEqual([
      expect.objectContaining({
        id: 'receipt:a8847c3a-2f0b-4f8c-9d0e-6c1c2f1f7a11:phone',
        kind: 'delivered',
        template: 'promo.started',
      }),
    ]);
  });
});

describe('the counting of deliveries goes on', () => {
  const report = (id: string, createdAt: string) =>
    engagement.postgres.query(
      `INSERT INTO message (id, user_id, channel, tier, category, body, state, expires_at, created_at, sent_at, settled_at, tracking, bucket)
       VALUES ($1, 'ada', 'email', 'important', 'promo', '', 'delivered', now(), ${createdAt}, ${createdAt}, now() - interval '2 hours',
         '{"campaign":"autumn","template":"hello"}', bucket_of('ada'))`,
      [id],
    );

  test('after a late report of a message whose day is no longer kept', async () => {
    const worker = workerOf('');
    await begin(worker);
    await report('of long ago', `now() - interval '25 days'`);
    await report('of today', 'now()');
    await worker.runOnce();
    expect(await found()).toEqual([expect.objectContaining({ id: 'message:of today' })]);
  });

  test('in other scans when one fails, which is reported', async () => {
    await begin(workerOf(''));
    await engagement.postgres.query(
      `INSERT INTO campaign (name, state, author, body) VALUES ('autumn', 'done', '{}', '{"template":{"name":"hello","version":1}}')`,
    );
    await engagement.postgres.query(
      `INSERT INTO campaign_member (campaign, user_id, state, audience, channel, due_at, converted_at, bucket)
       VALUES ('autumn', 'ada', 'queued', 'all', 'push', now(), now() - interval '2 hours', bucket_of('ada'))`,
    );
    await report('that cannot be counted', 'now()');
    await engagement.postgres.query(
      `ALTER TABLE engagement_event ADD CONSTRAINT not_mails CHECK (channel <> 'email') NOT VALID`,
    );
    try {
      await expect(workerOf('').runOnce()).rejects.toMatchObject({
        errors: [{ message: 'the scan of messages 60 failed' }],
      });
      expect(await found()).toEqual([expect.objectContaining({ id: 'converted:autumn' })]);
    } finally {
      await engagement.postgres.query('ALTER TABLE engagement_event DROP CONSTRAINT not_mails');
    }
  });
});
