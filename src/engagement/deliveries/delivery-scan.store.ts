import { Injectable } from '@nestjs/common';
import { CAMPAIGN_EVENT } from '../../campaigns/campaign.js';
import {
  campaignOfEvent,
  conversions,
  convertedAt,
  templateOfCampaign,
} from '../../campaigns/campaign.fragments.js';
import { acknowledgedEvents, receiptBegunAt } from '../../delivery/receipts/receipt.fragments.js';
import { trackedDeliveries, trackedMessageEndedAt } from '../../messages/queue/message.fragments.js';
import { Database, type Statement, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import { campaignPushEndedAt, takenCampaignPushes } from '../../push/queue/push.fragments.js';
import type { EngagementEvent } from '../engagement-event.js';
import type { DeliveryScan, DeliverySource } from './delivery-scan.js';

const BEGIN = named(
  'delivery-scan-begin',
  `INSERT INTO engagement_watermark (name) VALUES ($1) ON CONFLICT DO NOTHING`,
);
const CLAIM = named(
  'delivery-scan-claim',
  `SELECT at FROM engagement_watermark WHERE name = $1 FOR UPDATE SKIP LOCKED`,
);
const ADVANCE = named('delivery-scan-advance', `UPDATE engagement_watermark SET at = $2 WHERE name = $1`);

/** $1: where the slice begins · $2: how many rows later it ends · $3: seconds that rows are left alone. Rows of one instant are never parted. */
const endOf = (source: DeliverySource, place: string): Statement =>
  named(
    `delivery-slice-${source.replace(' ', '-')}`,
    `SELECT greatest($1::timestamptz, least(p.at, now() - $3::int * interval '1 second')) AS until, p.at IS NOT NULL AS "isFull"
     FROM (SELECT ${place} AS at) p`,
  );
const OFFSET = { after: '$1', offset: '$2' };
const WINDOW = { after: '$1', until: '$2' };
/** As the index receipt_campaign_idx says it. */
const OF_CAMPAIGNS = { isCounted: `r.type = '${CAMPAIGN_EVENT}'` };
/** Of all types: the index is by time alone. */
const OF_ALL_TYPES = { isCounted: 'true' };
const OF_TYPES = { isCounted: 'r.type = ANY ($3)' };

/** How the deliveries of a source are found. */
interface SourceStatements {
  readonly kind: 'delivered' | 'converted';
  readonly end: Statement;
  readonly read: Statement;
}
const STATEMENTS: Record<DeliverySource, SourceStatements> = {
  messages: {
    kind: 'delivered',
    end: endOf('messages', trackedMessageEndedAt(OFFSET)),
    read: named(
      'deliveries-of-messages',
      `SELECT 'message:' || d.id AS id, d.user_id AS "userId", iso(d.delivered_at) AS at, d.created_at::date::text AS day, d.channel,
         d.tracking ->> 'team' AS team, d.tracking ->> 'campaign' AS campaign, d.tracking ->> 'template' AS template
       FROM (${trackedDeliveries(WINDOW)}) d`,
    ),
  },
  pushes: {
    kind: 'delivered',
    end: endOf('pushes', campaignPushEndedAt(OFFSET)),
    read: named(
      'deliveries-of-pushes',
      `SELECT 'push:' || d.event_id || ':' || d.device_id AS id, d.user_id AS "userId", iso(d.settled_at) AS at, d.created_at::date::text AS day,
         'push' AS channel, NULL AS team, d.campaign_id AS campaign, ${templateOfCampaign('d.campaign_id')} AS template
       FROM (${takenCampaignPushes(WINDOW)}) d`,
    ),
  },
  'campaign receipts': {
    kind: 'delivered',
    end: endOf('campaign receipts', receiptBegunAt({ ...OFFSET, ...OF_CAMPAIGNS })),
    read: named(
      'deliveries-of-campaign-receipts',
      `SELECT 'receipt:' || d.event_id || ':' || d.device_id AS id, d.user_id AS "userId", iso(d.received_at) AS at, d.created_at::date::text AS day,
         'app' AS channel, NULL AS team, c.campaign, c.template
       FROM (${acknowledgedEvents({ ...WINDOW, ...OF_CAMPAIGNS })}) d
       CROSS JOIN LATERAL (${campaignOfEvent({ userId: 'd.user_id', eventId: 'd.event_id' })}) c`,
    ),
  },
  conversions: {
    kind: 'converted',
    end: endOf('conversions', convertedAt(OFFSET)),
    read: named(
      'conversions-of-campaigns',
      `SELECT 'converted:' || d.campaign AS id, d.user_id AS "userId", iso(d.converted_at) AS at, d.converted_at::date::text AS day, d.channel,
         NULL AS team, d.campaign, d.template
       FROM (${conversions(WINDOW)}) d`,
    ),
  },
  receipts: {
    kind: 'delivered',
    end: endOf('receipts', receiptBegunAt({ ...OFFSET, ...OF_ALL_TYPES })),
    read: named(
      'deliveries-of-receipts',
      `SELECT 'receipt:' || d.event_id || ':' || d.device_id AS id, d.user_id AS "userId", iso(d.received_at) AS at,
         d.created_at::date::text AS day, 'app' AS channel, NULL AS team, NULL AS campaign, d.type AS template
       FROM (${acknowledgedEvents({ ...WINDOW, ...OF_TYPES })}) d`,
    ),
  },
};

/** A delivery as it is read. */
interface DeliveryRow extends Pick<EngagementEvent, 'id' | 'userId' | 'at'> {
  readonly day: string;
  readonly channel: string;
  readonly team: string | null;
  readonly campaign: string | null;
  readonly template: string | null;
}

/** Finds what was delivered in the messages, pushes and receipts that there are, and knows how far it has looked. */
@Injectable()
export class DeliveryScanStore {
  constructor(private readonly database: Database) {}

  /**
   * Calls `record` with the deliveries of the next `limit` rows, and moves the watermark when it has resolved: if the process dies in between they come
   * again, and are known. Returns whether there may be more; false while another worker is at it.
   */
  next(
    scan: DeliveryScan,
    limit: number,
    types: readonly string[],
    record: (events: readonly EngagementEvent[]) => Promise<void>,
  ): Promise<boolean> {
    const { kind, end, read } = STATEMENTS[scan.source];
    return this.database.transaction('routine', async (tx) => {
      const from = await this.claim(tx, scan.name);
      if (!from) return false;
      const [slice] = await tx.run<{ until: Date; isFull: boolean }>(end, [from, limit, scan.afterSeconds]);
      if (!slice || slice.until <= from) return false;
      const { until, isFull } = slice;
      const ofTypes = scan.source === 'receipts' ? [types] : [];
      const rows = await tx.run<DeliveryRow>(read, [from, until, ...ofTypes]);
      if (rows.length > 0) await record(rows.map((row) => eventOf(row, kind)));
      await tx.run(ADVANCE, [scan.name, until]);
      return isFull;
    });
  }

  private async claim(tx: Transaction, name: string): Promise<Date | undefined> {
    await tx.run(BEGIN, [name]);
    return (await tx.run<{ at: Date }>(CLAIM, [name]))[0]?.at;
  }
}

const eventOf = ({ team, campaign, template, ...event }: DeliveryRow, kind: string): EngagementEvent => ({
  ...event,
  kind,
  team: team ?? undefined,
  campaign: campaign ?? undefined,
  template: template ?? undefined,
});
