import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../postgres/database.js';
import { named } from '../postgres/statement.js';
import {
  type Actor,
  type AuditContext,
  type AuditedAct,
  auditJson,
  type AuditedFields,
  type AuditPlace,
  changedFields,
} from './audit-entry.js';

const ADD = named(
  'audit-add',
  `INSERT INTO audit_entry (actor_kind, actor_id, actor_name, role, action, target_kind, target_id, user_id, before, after, reason, request_id, result)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
);
/** Columns are named with the table: `at` alone would be the text of the result, and no index is in its order. */
const ENTRY = `SELECT id, iso(at) AS at, json_build_object('kind', actor_kind, 'id', actor_id, 'name', actor_name) AS actor, role, action,
    json_build_object('kind', target_kind, 'id', target_id) AS target, user_id AS "userId", before, after, reason,
    request_id AS "requestId", result
  FROM audit_entry e`;

/** Which entries to list: those of all filters that are given. */
export interface AuditFilter {
  /** A user id. */
  readonly user?: string | undefined;
  /** The id of a key or a person. */
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
}

const COLUMNS = { user: 'user_id', actor: 'actor_id', action: 'action' } as const satisfies Record<
  keyof AuditFilter,
  string
>;
type FilterName = keyof typeof COLUMNS;
const FILTERS = Object.keys(COLUMNS) as FilterName[];

/** A statement for each set of filters, so that each is found by an index. */
const LISTS = new Map(
  subsetsOf(FILTERS).map((filters) => {
    const conditions = filters.map((filter, n) => `AND e.${COLUMNS[filter]} = $${n + 4}`).join(' ');
    const text = `${ENTRY} WHERE (e.at, e.id) < ($1::timestamptz, $2::uuid) ${conditions} ORDER BY e.at DESC, e.id DESC LIMIT $3`;
    return [filters.join(), named(['audit-list', ...filters].join('-'), text)];
  }),
);
const EXPORT = named(
  'audit-export',
  `${ENTRY} WHERE (e.at, e.id) > ($1::timestamptz, $2::uuid) AND e.at < $3::timestamptz ORDER BY e.at, e.id LIMIT $4`,
);

const BEHIND_ALL: AuditPlace = ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];

/** An entry of the audit, as callers get it. What is null was left out, or erased with its user. */
export interface AuditEntry {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly actor: Actor;
  readonly role: string;
  readonly action: string;
  readonly target: { readonly kind: string; readonly id: string | null };
  readonly userId: string | null;
  readonly before: AuditedFields | null;
  readonly after: AuditedFields | null;
  readonly reason: string | null;
  readonly requestId: string;
  readonly result: string;
}

/** The audit in PostgreSQL. Entries are added and read, never changed. */
@Injectable()
export class AuditStore {
  constructor(private readonly database: Database) {}

  /** Adds an entry, in the transaction of what it tells. */
  async add(tx: Transaction, by: AuditContext, act: AuditedAct): Promise<void> {
    const { actor, role, reason = null, requestId } = by;
    const { action, target, userId = null, result } = act;
    const { before, after } = changedFields(act.before, act.after);
    const what = [action, target.kind, target.id, userId, auditJson(before), auditJson(after)];
    await tx.run(ADD, [actor.kind, actor.id, actor.name, role, ...what, reason, requestId, result]);
  }

  /** At most `limit` entries before the place, the newest first; from the newest on without a place. */
  async list(filter: AuditFilter, [at, id]: AuditPlace = BEHIND_ALL, limit: number): Promise<AuditEntry[]> {
    const given = FILTERS.filter((name) => filter[name] !== undefined);
    const statement = LISTS.get(given.join());
    if (!statement) throw new Error('every set of filters has a statement');
    return this.database.run('important', statement, [at, id, limit, ...given.map((name) => filter[name])]);
  }

  /** At most `limit` entries after the place and before the time, the oldest first. */
  listAfter([at, id]: AuditPlace, to: string, limit: number): Promise<AuditEntry[]> {
    return this.database.run('routine', EXPORT, [at, id, to, limit]);
  }
}

function subsetsOf<T>(all: readonly T[]): T[][] {
  return Array.from({ length: 2 ** all.length }, (_, bits) => all.filter((__, n) => (bits >> n) % 2 === 1));
}
