import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import { anyShard, type TallyEntry } from './funnel.js';

/** Rows of one shard are taken in one order. */
const ADD = named(
  'campaign-tally-add',
  `INSERT INTO campaign_tally AS t (campaign, what, detail, shard, count, updated_at)
   SELECT $1, r.what, r.detail, $2, r.count, now() FROM json_to_recordset($3::json) AS r (what text, detail text, count int)
   ORDER BY r.what COLLATE "C", r.detail COLLATE "C"
   ON CONFLICT (campaign, what, detail, shard) DO UPDATE SET count = t.count + excluded.count, updated_at = excluded.updated_at`,
);
const READ = named(
  'campaign-tally',
  `SELECT what, detail, sum(count)::bigint AS count FROM campaign_tally WHERE campaign = $1 GROUP BY what, detail`,
);

/** Counts the members of campaigns, so that nobody has to count rows. */
@Injectable()
export class CampaignCountsStore {
  constructor(private readonly database: Database) {}

  /** Adds to the counts, in the transaction of what they tell. */
  async add(tx: Transaction, campaign: string, entries: readonly TallyEntry[]): Promise<void> {
    const counted = entries.filter(({ count }) => count > 0);
    if (counted.length === 0) return;
    await tx.run(ADD, [campaign, anyShard(), JSON.stringify(counted)]);
  }

  /** Returns the counts of a campaign. */
  read(campaign: string): Promise<TallyEntry[]> {
    return this.database.run('important', READ, [campaign]);
  }
}
