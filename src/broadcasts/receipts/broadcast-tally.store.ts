import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';

/** Rows of the counts of one broadcast: nodes that write at the same moment seldom wait for each other. */
const SHARDS = 16;
const ADD = named(
  'broadcast-tally',
  `INSERT INTO broadcast_tally AS t (number, shard, sent, received)
   SELECT r.number, $2, r.sent, r.received FROM json_to_recordset($1::json) AS r (number bigint, sent bigint, received bigint)
   ORDER BY r.number
   ON CONFLICT (number, shard) DO UPDATE SET sent = t.sent + excluded.sent, received = t.received + excluded.received, updated_at = now()`,
);

/** How many devices got a broadcast. */
export interface BroadcastCount {
  readonly number: number;
  sent: number;
  received: number;
}

/** How many of the counted devices were sent each broadcast and acknowledged it. */
@Injectable()
export class BroadcastTallyStore {
  constructor(private readonly database: Database) {}

  /** Adds to what was counted; each broadcast must occur at most once. */
  async add(counts: readonly BroadcastCount[]): Promise<void> {
    const shard = Math.floor(Math.random() * SHARDS);
    await this.database.run('routine', ADD, [JSON.stringify(counts), shard]);
  }
}
