import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named, statement } from '../../platform/postgres/statement.js';
import type { EdgeNotice } from './edge-notice.js';

const ADD = statement('add-notices.sql', import.meta.url);
const PENDING = named(
  'edge-notices',
  `SELECT n.id, n.edge_id AS "edgeId", n.key, n.type, n.data FROM unnest($1::text[]) AS e (edge_id)
   CROSS JOIN LATERAL (
     SELECT * FROM edge_notice x WHERE x.edge_id = e.edge_id ORDER BY x.created_at LIMIT $2
   ) n ORDER BY n.created_at`,
);
/** Skips what is locked: a newer notice replaces it at this moment. */
const SETTLE = named(
  'edge-notices-settle',
  `WITH acknowledged AS MATERIALIZED (
     SELECT n.edge_id, n.key
     FROM json_to_recordset($1::json) AS a (id uuid, "edgeId" text, key text)
     JOIN edge_notice n ON n.edge_id = a."edgeId" AND n.key = a.key AND n.id = a.id
     FOR UPDATE OF n SKIP LOCKED
   )
   DELETE FROM edge_notice n USING acknowledged a WHERE n.edge_id = a.edge_id AND n.key = a.key`,
);

/** The notices that edge nodes have not acknowledged yet. */
@Injectable()
export class EdgeNoticeStore {
  constructor(private readonly database: Database) {}

  /** Stores them in the transaction that is their reason. A notice replaces an earlier one with the same edge node and key. */
  async add(tx: Transaction, notices: readonly EdgeNotice[]): Promise<void> {
    if (notices.length > 0) await tx.run(ADD, [JSON.stringify(notices)]);
  }

  /** At most `limit` unacknowledged notices of each of these edge nodes, the oldest first: one that acknowledges none stops no other. */
  pending(edgeIds: readonly string[], limit: number): Promise<EdgeNotice[]> {
    return this.database.run('critical', PENDING, [edgeIds, limit]);
  }

  /** Deletes notices that were acknowledged; newer ones with the same keys stay. */
  async settle(notices: readonly EdgeNotice[]): Promise<void> {
    const ids = notices.map(({ id, edgeId, key }) => ({ id, edgeId, key }));
    await this.database.run('critical', SETTLE, [JSON.stringify(ids)]);
  }
}
