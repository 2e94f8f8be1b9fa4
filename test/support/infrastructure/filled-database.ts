import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { SESSION_OPTIONS } from '../../../src/platform/postgres/database.js';
import { fillTables, planOf, printed, wholeTables } from '../../../tools/explain-statements.mjs';
import { JWT_SECRET } from '../drivers/usher.js';
import { createDatabase, type TestDatabase } from './database.js';

const EXPLAIN = fileURLToPath(new URL('../../../tools/explain-statements.mjs', import.meta.url));

/** What does not grow with the number of users. */
const SMALL = [
  'installation',
  'broadcast',
  'broadcast_counter',
  'broadcast_tally',
  'digest_definition',
  'engagement_watermark',
  'audience',
  'campaign',
  'campaign_progress',
  'campaign_tally',
  'template',
  'template_version',
  'fallback',
  'service_key',
  'plan',
  'plan_price',
  'push_pause',
  'lease_key',
  'reconciliation',
  'webhook_wakeup',
];
/** What nearly all rows are: webhooks, pushes and changes are settled. */
const USUAL = ['applied', 'delivered', 'done'];

/** A prepared statement of the built server. Its name ends with a hash of its text. */
export interface NamedStatement {
  readonly name: string;
  readonly text: string;
}

/** A database whose tables have rows, and the server's statements, of which it is asked for the plans. */
export class FilledDatabase {
  private constructor(
    readonly database: TestDatabase,
    readonly client: pg.Client,
    /** All statements of the built server. */
    readonly statements: readonly NamedStatement[],
    private readonly filled: readonly string[],
  ) {}

  /** Creates it, with so many rows in each table that grows with the users. */
  static async create(rows: number): Promise<FilledDatabase> {
    const database = await createDatabase();
    const client = new pg.Client({ connectionString: database.url, options: SESSION_OPTIONS });
    await client.connect();
    const [statements, filled] = await Promise.all([
      builtStatements(database.url),
      fillTables(client, rows, { small: SMALL, usual: USUAL }),
    ]);
    return new FilledDatabase(database, client, statements, filled);
  }

  async drop(): Promise<void> {
    await this.client.end();
    await this.database.drop();
  }

  /** The text of the only statement of this name. */
  textOf(name: string): string {
    const [found, another] = this.statements.filter((one) => one.name.startsWith(`${name}:`));
    if (!found || another) throw new Error(`not one statement is called ${name}`);
    return found.text;
  }

  /** Those statements that read tables that grow from end to end, by name: the tables, and the plan. */
  async wholeTableReads(statements: readonly NamedStatement[]): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const { name, text } of statements) {
      const plan = await planOf(this.client, text);
      const scanned = wholeTables(plan).filter((table) => this.filled.includes(table));
      if (scanned.length > 0)
        found[name.split(':')[0] ?? name] = [scanned.join(), ...printed(plan)].join('\n');
    }
    return found;
  }
}

async function builtStatements(databaseUrl: string): Promise<NamedStatement[]> {
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: databaseUrl,
    REDIS_URL: process.env.REDIS_URL,
    AUTH_JWT_SECRET: JWT_SECRET,
    LOG_LEVEL: 'silent',
  };
  const { stdout } = await promisify(execFile)(process.execPath, [EXPLAIN, '--json'], {
    env,
    maxBuffer: 64 * 1_048_576,
  });
  return JSON.parse(stdout) as NamedStatement[];
}
