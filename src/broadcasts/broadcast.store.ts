import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { generationBase } from '../platform/postgres/generation.fragments.js';
import { named, statement } from '../platform/postgres/statement.js';
import { Batcher } from '../platform/scheduling/batcher.js';
import type { Broadcast, BroadcastPosition, BroadcastState, BroadcastUsage } from './broadcast.js';
import { BroadcastLog } from './broadcast-log.js';
import { IN_FORCE } from './broadcasts.fragments.js';

/** Publications and withdrawals that wait for each other on one node. */
const MAX_CHANGES_WAITING = 100;
const FIELDS = `b.number, b.id, b.type, b.key, b.data, b.sample, iso(b.created_at) AS at, iso(b.expires_at) AS "expiresAt"`;
const STORED = `SELECT ${FIELDS}, b.key_id AS "keyId", iso(b.withdrawn_at) AS "withdrawnAt", b.superseded_by AS "supersededBy",
    CASE WHEN b.withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN b.superseded_by IS NOT NULL THEN 'superseded'
      WHEN b.expires_at <= now() THEN 'expired' ELSE 'in_force' END AS state,
    t.sent, t.received
  FROM broadcast b CROSS JOIN LATERAL (
    SELECT coalesce(sum(t.sent), 0)::bigint AS sent, coalesce(sum(t.received), 0)::bigint AS received
    FROM broadcast_tally t WHERE t.number = b.number
  ) t`;

const HEAD = named(
  'broadcast-head',
  'SELECT i.epoch, c.last AS number FROM installation i, broadcast_counter c',
);
const LOG = named(
  'broadcast-log',
  `SELECT i.epoch, c.last AS number, coalesce(l.broadcasts, '[]') AS broadcasts
   FROM installation i, broadcast_counter c, LATERAL (
     SELECT json_agg(row_to_json(x) ORDER BY x.number) AS broadcasts FROM (SELECT ${FIELDS} FROM broadcast b WHERE ${IN_FORCE}) x
   ) l`,
);
// The lock on the row is held until the commit, so numbers are committed in their order. After a failover of PostgreSQL they go on 2^32 higher:
// devices may have had broadcasts with the numbers between, which are lost (docs/decisions/failover-with-a-lost-tail.md).
const NEXT = named(
  'broadcast-next',
  `UPDATE broadcast_counter SET last = greatest(last, ${generationBase}) + 1 RETURNING last AS number`,
);
const USAGE = named(
  'broadcast-usage',
  `SELECT count(*)::int AS count, coalesce(sum(octet_length(b.data::text)), 0)::int AS bytes
   FROM broadcast b WHERE ${IN_FORCE} AND b.key IS DISTINCT FROM coalesce($1, '')`,
);
const PUBLISH = statement('publish-broadcast.sql', import.meta.url);
const WITHDRAW = named(
  'broadcast-withdraw',
  'UPDATE broadcast SET withdrawn_at = now() WHERE id = $1 AND withdrawn_at IS NULL',
);
const LIST = named(
  'broadcasts',
  `${STORED} WHERE b.number < coalesce($1, 9223372036854775807) ORDER BY b.number DESC LIMIT $2`,
);
const GET = named('broadcast', `${STORED} WHERE b.id = $1`);

/** A broadcast as it is stored, with what was counted of it. */
export interface StoredBroadcast extends Broadcast {
  readonly keyId: string;
  readonly state: BroadcastState;
  readonly withdrawnAt: string | null;
  /** The number of the broadcast of the same key that superseded it. */
  readonly supersededBy: number | null;
  readonly sent: number;
  readonly received: number;
}

/** A broadcast that is to be written. */
export interface NewBroadcast extends Pick<Broadcast, 'number' | 'id' | 'type' | 'key' | 'sample'> {
  /** Its data as JSON text. */
  readonly json: string;
  readonly expiresAt: Date;
  readonly keyId: string;
}

/** The broadcasts of the installation, one row each, and the number of its last change. */
@Injectable()
export class BroadcastStore {
  private readonly changes = new Batcher<() => Promise<unknown>, unknown>({
    runBatch: async ([change]) => [await change?.()],
    size: 1,
    concurrency: 1,
    capacity: MAX_CHANGES_WAITING,
  });

  constructor(private readonly database: Database) {}

  /**
   * Runs a transaction that takes a number: one at a time on each node, or those that wait for a node that vanished with the counter locked would take
   * all connections of their lane, and devices could not connect. Throws QueueFull when a hundred wait.
   */
  change<T>(transaction: () => Promise<T>): Promise<T> {
    return this.changes.add(transaction) as Promise<T>;
  }

  /** Returns the number of the last change: a cheap read, which each node makes each second. */
  async readHead(): Promise<BroadcastPosition> {
    return theRow(await this.database.run<BroadcastPosition>('important', HEAD, []));
  }

  /** Returns all that is in force, read in one snapshot. */
  async readLog(): Promise<BroadcastLog> {
    type Row = BroadcastPosition & { broadcasts: Broadcast[] };
    const { epoch, number, broadcasts } = theRow(await this.database.run<Row>('important', LOG, []));
    return new BroadcastLog({ epoch, number }, broadcasts);
  }

  /** Takes the next number, for a broadcast or a withdrawal. Whoever changes something else waits until the transaction ends. */
  async takeNumber(tx: Transaction): Promise<number> {
    return theRow(await tx.run<{ number: number }>(NEXT, [])).number;
  }

  /** Returns how much is in force, without the broadcast of this key. Exact in a transaction that has taken a number. */
  async usageBeside(key: string | null, tx?: Transaction): Promise<BroadcastUsage> {
    return theRow(
      tx
        ? await tx.run<BroadcastUsage>(USAGE, [key])
        : await this.database.run<BroadcastUsage>('important', USAGE, [key]),
    );
  }

  /** Writes a broadcast, which supersedes the one of its key. */
  async publish(tx: Transaction, broadcast: NewBroadcast): Promise<void> {
    const { number, id, type, key, json, sample, expiresAt, keyId } = broadcast;
    await tx.run(PUBLISH, [number, id, type, key, json, sample, expiresAt, keyId]);
  }

  /** Has the broadcast not be sent any more. One that is withdrawn already stays as it is. */
  async withdraw(tx: Transaction, id: string): Promise<void> {
    await tx.run(WITHDRAW, [id]);
  }

  /** Returns at most `limit` of them below the number `before`, the newest first. */
  list(before: number | undefined, limit: number): Promise<StoredBroadcast[]> {
    return this.database.run('important', LIST, [before ?? null, limit]);
  }

  /** Returns one; undefined if there is none. */
  async get(id: string, tx?: Transaction): Promise<StoredBroadcast | undefined> {
    const [row] = tx
      ? await tx.run<StoredBroadcast>(GET, [id])
      : await this.database.run<StoredBroadcast>('important', GET, [id]);
    return row;
  }
}

function theRow<Row>([row]: readonly Row[]): Row {
  if (!row) throw new Error('the statement returns one row');
  return row;
}
