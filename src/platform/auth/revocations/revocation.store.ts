import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../postgres/database.js';
import { generationBase } from '../../postgres/generation.fragments.js';
import { named } from '../../postgres/statement.js';
import type { Revocation } from './revocation.js';

/**
 * One writer at a time, so that `seq` grows in the order of commits: otherwise a reader that goes on after a `seq` could miss a
 * revocation with a lower one that was committed later.
 */
const LOCK = named('revocation-lock', `SELECT pg_advisory_xact_lock(hashtextextended('revocation', 0))`);
/** A node that has read a revocation which a failover lost must not take the next one for it. */
const ADD = named(
  'revocation-add',
  `INSERT INTO revocation (user_id, device_id, token_id, seq)
   VALUES ($1, $2, $3, nextval('revocation_seq') + ${generationBase})
   ON CONFLICT (user_id, device_id, token_id) DO UPDATE SET not_before = excluded.not_before, seq = excluded.seq
   RETURNING not_before AS "notBefore"`,
);
const LAST_SEQ = named('revocation-last-seq', `SELECT coalesce(max(seq), 0) AS seq FROM revocation`);
const OF_USERS = named(
  'revocations-of-users',
  `SELECT user_id AS "userId", device_id AS "deviceId", token_id AS "tokenId", not_before AS "notBefore"
   FROM revocation WHERE user_id = ANY($1)`,
);
const LIST_AFTER = named(
  'revocations-after',
  `SELECT seq, user_id AS "userId", device_id AS "deviceId", token_id AS "tokenId", not_before AS "notBefore"
   FROM revocation WHERE seq > $1 ORDER BY seq LIMIT $2`,
);

interface Row {
  readonly seq: number;
  readonly userId: string;
  readonly deviceId: string;
  readonly tokenId: string;
  readonly notBefore: Date;
}

/** Revocations in PostgreSQL, in the order in which they were committed. */
@Injectable()
export class RevocationStore {
  constructor(private readonly database: Database) {}

  /** Stores the revocation as of now; one of the same user, device and token is replaced. */
  async add(tx: Transaction, of: Omit<Revocation, 'notBefore'>): Promise<Revocation> {
    await tx.run(LOCK, []);
    const [row] = await tx.run<Pick<Row, 'notBefore'>>(ADD, [of.userId, of.deviceId ?? '', of.tokenId ?? '']);
    if (!row) throw new Error('no revocation was written');
    return { ...of, notBefore: row.notBefore.getTime() };
  }

  /** Returns at most `limit` revocations after `seq`, in order, and the `seq` to continue from. */
  async listAfter(seq: number, limit: number): Promise<{ seq: number; revocations: Revocation[] }> {
    const rows = await this.database.run<Row>('critical', LIST_AFTER, [seq, limit]);
    return { seq: rows.at(-1)?.seq ?? seq, revocations: rows.map(revocationOf) };
  }

  /** Returns the `seq` of the newest revocation; 0 without any. */
  async lastSeq(): Promise<number> {
    const [row] = await this.database.run<Pick<Row, 'seq'>>('critical', LAST_SEQ, []);
    return row?.seq ?? 0;
  }

  /** Returns the revocations of these users. */
  async listOf(userIds: readonly string[]): Promise<Revocation[]> {
    return (await this.database.run<Row>('critical', OF_USERS, [userIds])).map(revocationOf);
  }
}

const revocationOf = ({ userId, deviceId, tokenId, notBefore }: Omit<Row, 'seq'>): Revocation => ({
  userId,
  deviceId: deviceId === '' ? undefined : deviceId,
  tokenId: tokenId === '' ? undefined : tokenId,
  notBefore: notBefore.getTime(),
});
