import { Injectable } from '@nestjs/common';
import type { Actor } from '../../platform/audit/audit-entry.js';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import type { CampaignDefinition, StoredCampaign } from '../campaign.js';
import type { CampaignState } from '../campaign-moves.js';

const COLUMNS = `name, body, state, author, approver, iso(starts_at) AS "startsAt", iso(expires_at) AS "expiresAt", problem,
  iso(created_at) AS "createdAt", iso(updated_at) AS "updatedAt", iso(started_at) AS "startedAt", iso(frozen_at) AS "frozenAt",
  iso(ended_at) AS "endedAt", broadcast_id AS "broadcastId"`;
const LIST = named(
  'campaigns',
  `SELECT ${COLUMNS} FROM campaign c
   WHERE (c.created_at, c.name) < (coalesce($1::timestamptz, 'infinity'), $2) ORDER BY c.created_at DESC, c.name DESC LIMIT $3`,
);
const GET = named('campaign', `SELECT ${COLUMNS} FROM campaign WHERE name = $1`);
const LOCK = named('campaign-lock', `SELECT ${COLUMNS} FROM campaign WHERE name = $1 FOR UPDATE`);
const LOCK_ALL = named('campaigns-lock', `SELECT pg_advisory_xact_lock(hashtextextended('campaigns', 0))`);
const COUNT_OPEN = named(
  'campaigns-open',
  `SELECT count(*)::int AS count FROM campaign WHERE state = ANY (ARRAY['draft', 'approved', 'scheduled', 'running', 'paused'])`,
);
const PUT = named(
  'campaign-put',
  `INSERT INTO campaign (name, body, state, author) VALUES ($1, $2, $3, $4)
   ON CONFLICT (name) DO UPDATE SET body = excluded.body, state = excluded.state, author = excluded.author, approver = NULL, starts_at = NULL,
     expires_at = NULL, problem = NULL, updated_at = now()
   RETURNING ${COLUMNS}`,
);
/** $1 name · $2 state · $3 whether it has ended · $4 approver, or null to leave it · $5, $6 times, or null to leave them */
const MOVE = named(
  'campaign-move',
  `UPDATE campaign SET state = $2, ended_at = CASE WHEN $3 THEN now() END, approver = coalesce($4, approver),
     starts_at = coalesce($5, starts_at), expires_at = coalesce($6, expires_at), problem = NULL, failures = 0, retry_at = NULL, updated_at = now()
   WHERE name = $1 RETURNING ${COLUMNS}`,
);

/** What changes beside the state. */
export interface MovedFields {
  readonly approver?: Actor | undefined;
  readonly startsAt?: Date | undefined;
  readonly expiresAt?: Date | undefined;
}

/** What campaigns say, and how far they are. */
@Injectable()
export class CampaignStore {
  constructor(private readonly database: Database) {}

  /** Returns at most `limit`, the newest first; only those before the place, if one is given. */
  list(before: readonly [at: string, name: string] | undefined, limit: number): Promise<StoredCampaign[]> {
    return this.database.run('important', LIST, [before?.[0] ?? null, before?.[1] ?? '', limit]);
  }

  /** Undefined when there is no such campaign. */
  async get(name: string): Promise<StoredCampaign | undefined> {
    return (await this.database.run<StoredCampaign>('important', GET, [name]))[0];
  }

  /** The same; nobody else changes it until the end of the transaction. */
  async lock(tx: Transaction, name: string): Promise<StoredCampaign | undefined> {
    return (await tx.run<StoredCampaign>(LOCK, [name]))[0];
  }

  /** Lets one transaction create campaigns at a time. Returns how many have not ended. */
  async lockAll(tx: Transaction): Promise<number> {
    await tx.run(LOCK_ALL, []);
    return (await tx.run<{ count: number }>(COUNT_OPEN, []))[0]?.count ?? 0;
  }

  /** Creates or replaces a campaign. */
  async put(
    tx: Transaction,
    name: string,
    { body, state, author }: { body: CampaignDefinition; state: CampaignState; author: Actor },
  ): Promise<StoredCampaign> {
    const values = [name, JSON.stringify(body), state, JSON.stringify(author)];
    return theRow(await tx.run<StoredCampaign>(PUT, values));
  }

  /** Moves a campaign that is locked to another state. */
  async move(
    tx: Transaction,
    name: string,
    state: CampaignState,
    { approver, startsAt, expiresAt }: MovedFields,
  ): Promise<StoredCampaign> {
    const hasEnded = state === 'done' || state === 'aborted';
    const values = [approver && JSON.stringify(approver), startsAt, expiresAt].map((one) => one ?? null);
    return theRow(await tx.run<StoredCampaign>(MOVE, [name, state, hasEnded, ...values]));
  }
}

function theRow<Row>([row]: readonly Row[]): Row {
  if (!row) throw new Error('the statement returns one row');
  return row;
}
