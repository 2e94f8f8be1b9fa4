import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { named } from '../platform/postgres/statement.js';
import type { StoredAudience } from './audience.js';
import type { AudienceRule } from './rule/audience-rule.js';

const COLUMNS = 'name, rule, members, iso(updated_at) AS "updatedAt", iso(created_at) AS "createdAt"';
const LIST = named(
  'audiences',
  `SELECT ${COLUMNS} FROM audience WHERE NOT is_removed AND name > $1 ORDER BY name LIMIT $2`,
);
const NAMED = `SELECT ${COLUMNS} FROM audience WHERE name = ANY ($1) AND NOT is_removed ORDER BY name`;
const FIND = named('audiences-named', NAMED);
const SHARE = named('audiences-shared', `${NAMED} FOR SHARE`);
const LOCK_ALL = named('audiences-lock', `SELECT pg_advisory_xact_lock(hashtextextended('audiences', 0))`);
const LOCK = named(
  'audience-lock',
  `SELECT ${COLUMNS}, is_removed AS "isRemoved" FROM audience WHERE name = $1 FOR UPDATE`,
);
const COUNT = named('audience-count', 'SELECT count(*)::int AS count FROM audience');
const PUT = named(
  'audience-put',
  `INSERT INTO audience (name, rule) VALUES ($1, $2)
   ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, updated_at = now() RETURNING ${COLUMNS}`,
);
const REMOVE = named('audience-remove', 'UPDATE audience SET is_removed = true WHERE name = $1');
const HAS_ENDED = named('audience-ended-look', 'SELECT 1 FROM audience WHERE is_removed LIMIT 1');
const ENDED = named(
  'audience-ended',
  'SELECT name FROM audience WHERE is_removed ORDER BY name LIMIT 1 FOR UPDATE SKIP LOCKED',
);
const FORGET_MEMBERS = named(
  'audience-forget-members',
  `WITH gone AS MATERIALIZED (
     SELECT user_id, bucket FROM audience_member WHERE audience = $1 ORDER BY user_id LIMIT $2 FOR UPDATE
   ), removed AS (
     DELETE FROM audience_member m USING gone g WHERE m.audience = $1 AND m.user_id = g.user_id AND m.bucket = g.bucket
   ) SELECT count(*)::int AS count FROM gone`,
);
const FORGET = named('audience-forget', 'DELETE FROM audience WHERE name = $1 AND is_removed');

/** Audiences, and the removal of those that have ended. */
@Injectable()
export class AudienceStore {
  constructor(private readonly database: Database) {}

  /** Returns at most `limit` audiences after this name, by their names. */
  list(after: string, limit: number): Promise<StoredAudience[]> {
    return this.database.run('important', LIST, [after, limit]);
  }

  /** Returns those of these names that there are. */
  named(names: readonly string[]): Promise<StoredAudience[]> {
    return this.database.run('important', FIND, [names]);
  }

  /** The same; none is changed or removed before the transaction ends. */
  share(tx: Transaction, names: readonly string[]): Promise<StoredAudience[]> {
    return tx.run(SHARE, [names]);
  }

  /** Lets one transaction create audiences at a time. Returns how many there are, with those that are being removed. */
  async lockAll(tx: Transaction): Promise<number> {
    await tx.run(LOCK_ALL, []);
    return (await tx.run<{ count: number }>(COUNT, []))[0]?.count ?? 0;
  }

  /** Returns the audience of this name, also one that is being removed; nobody else changes it until the end of the transaction. */
  async lock(
    tx: Transaction,
    name: string,
  ): Promise<(StoredAudience & { readonly isRemoved: boolean }) | undefined> {
    return (await tx.run<StoredAudience & { isRemoved: boolean }>(LOCK, [name]))[0];
  }

  /** Creates or replaces an audience. */
  async put(tx: Transaction, name: string, rule: AudienceRule | null): Promise<StoredAudience> {
    const [row] = await tx.run<StoredAudience>(PUT, [name, rule && JSON.stringify(rule)]);
    if (!row) throw new Error('the statement returns one row');
    return row;
  }

  /** Ends the audience. Its members are removed after that, a slice at a time. */
  async remove(tx: Transaction, name: string): Promise<void> {
    await tx.run(REMOVE, [name]);
  }

  /** Whether an audience has ended that is still stored. */
  async hasEnded(): Promise<boolean> {
    return (await this.database.run('routine', HAS_ENDED, [])).length > 0;
  }

  /** Removes at most `limit` members of an audience that has ended, and the audience when it has none. Returns whether there may be more. */
  async removeEnded(tx: Transaction, limit: number): Promise<boolean> {
    const [ended] = await tx.run<{ name: string }>(ENDED, []);
    if (!ended) return false;
    const [row] = await tx.run<{ count: number }>(FORGET_MEMBERS, [ended.name, limit]);
    if (row?.count !== limit) await tx.run(FORGET, [ended.name]);
    return true;
  }
}
