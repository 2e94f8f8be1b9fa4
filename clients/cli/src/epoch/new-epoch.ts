import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Failure } from '../failures.js';

const CONNECT_MS = 5_000;
/** Each mailbox is written: some seconds a million. */
const STATEMENT_MS = 3_600_000;
/** Connections of nodes name themselves `usher <lane>` (src/platform/postgres/database.ts). */
const NODES = `SELECT count(*)::int AS nodes FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE 'usher %' AND application_name NOT LIKE 'usher epoch%'`;
const FACTS = `SELECT i.name, i.epoch, (SELECT count(*)::int FROM mailbox) AS mailboxes FROM installation i`;
const TELL = `INSERT INTO audit_entry (actor_kind, actor_id, actor_name, role, action, target_kind, target_id, before, after, reason, request_id, result)
  VALUES ('person', $1, $1, 'admin', 'epoch.new', 'installation', $2, $3, $4, $5, $6, 'done')`;

/** A database, and what became of it. */
export interface NewEpoch {
  readonly name: string;
  readonly epoch: string;
  /** Whose devices begin with the whole state. */
  readonly mailboxes: number;
  readonly isDone: boolean;
}

/**
 * Makes a database that was copied an installation of its own: another name, and another epoch of it and of every mailbox, in one transaction with an
 * entry of the audit. Without `confirmed` it only counts. Throws Failure when nodes are connected, the name is not new, or PostgreSQL refuses.
 */
export async function newEpoch(
  databaseUrl: string,
  { name, by, reason, confirmed }: { name: string; by: string; reason: string; confirmed: boolean },
): Promise<NewEpoch> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    application_name: 'usher epoch',
  });
  client.on('error', () => undefined); // a connection that ends early fails the query, too
  try {
    await client.connect();
    await client.query('BEGIN');
    const [{ nodes }] = (await client.query<{ nodes: number }>(NODES)).rows as [{ nodes: number }];
    if (nodes > 0)
      throw new Failure(
        'Nodes are connected to this database. Stop them first: they would go on in the old epoch.',
      );
    type Facts = { name: string; epoch: string; mailboxes: number };
    const [before] = (await client.query<Facts>(FACTS)).rows as [Facts];
    if (before.name === name)
      throw new Failure(
        `The installation is called ${name} already: its original has the same name. Choose another.`,
      );
    const epoch = randomBytes(6).toString('hex');
    if (confirmed) {
      await client.query('UPDATE installation SET name = $1, epoch = $2', [name, epoch]);
      await client.query('UPDATE mailbox SET epoch = $1', [epoch]);
      const told = [before, { name, epoch }].map((one) =>
        JSON.stringify({ name: one.name, epoch: one.epoch }),
      );
      await client.query(TELL, [by, name, ...told, reason, `cli-${epoch}`]);
    }
    await client.query(confirmed ? 'COMMIT' : 'ROLLBACK');
    return { name, epoch, mailboxes: before.mailboxes, isDone: confirmed };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`PostgreSQL: ${(error as Error).message}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}
