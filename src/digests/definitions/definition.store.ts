import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import { categoriesOf, type DigestDefinition } from './digest-definition.js';

const COLUMNS = `name, body, iso(updated_at) AS "updatedAt"`;
const LIST = named(
  'digest-definitions',
  `SELECT ${COLUMNS} FROM digest_definition WHERE NOT is_removed ORDER BY name`,
);
const GET = named(
  'digest-definition',
  `SELECT ${COLUMNS} FROM digest_definition WHERE name = $1 AND NOT is_removed`,
);
/** Whoever comes second sees what the first one stored. */
const LOCK = named(
  'digest-definition-lock',
  `SELECT pg_advisory_xact_lock(hashtextextended('digest definitions', 0))`,
);
const COUNT = named('digest-definition-count', 'SELECT count(*)::int AS count FROM digest_definition');
const SAVE = named(
  'digest-definition-save',
  `INSERT INTO digest_definition (name, body, categories, opt_in, changed_in, walked_to)
   VALUES ($1, $2::json, $3::text[], $4, pg_current_xact_id()::text::bigint, '')
   ON CONFLICT (name) DO UPDATE SET body = excluded.body, categories = excluded.categories, opt_in = excluded.opt_in,
     changed_in = excluded.changed_in, walked_to = '', is_removed = false, updated_at = now()
   RETURNING iso(updated_at) AS "updatedAt"`,
);
const REMOVE = named(
  'digest-definition-remove',
  `UPDATE digest_definition SET is_removed = true, walked_to = NULL WHERE name = $1 AND NOT is_removed`,
);

/** A definition as it is stored. */
export interface StoredDefinition {
  readonly name: string;
  readonly body: DigestDefinition;
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** The definitions of digests. */
@Injectable()
export class DefinitionStore {
  constructor(private readonly database: Database) {}

  /** All, by their names. */
  list(): Promise<StoredDefinition[]> {
    return this.database.run('important', LIST, []);
  }

  /** Undefined when there is no such digest. */
  async get(name: string): Promise<StoredDefinition | undefined> {
    return (await this.database.run<StoredDefinition>('important', GET, [name]))[0];
  }

  /** Lets one transaction change definitions at a time. Returns the one with this name, and how many there are, removed ones included. */
  async lock(
    tx: Transaction,
    name: string,
  ): Promise<{ before: StoredDefinition | undefined; count: number }> {
    await tx.run(LOCK, []);
    const [row] = await tx.run<{ count: number }>(COUNT, []);
    const [before] = await tx.run<StoredDefinition>(GET, [name]);
    return { before, count: row?.count ?? 0 };
  }

  /** Creates or replaces a definition. Its users are planned anew from then on. Returns when, in ISO 8601. */
  async save(tx: Transaction, name: string, definition: DigestDefinition): Promise<string> {
    const values = [name, JSON.stringify(definition), categoriesOf(definition), definition.optIn];
    const [row] = await tx.run<{ updatedAt: string }>(SAVE, values);
    if (!row) throw new Error('the statement returns one row');
    return row.updatedAt;
  }

  /** Ends the digest. Its plans are removed after that, a slice at a time. */
  async remove(tx: Transaction, name: string): Promise<void> {
    await tx.run(REMOVE, [name]);
  }
}
