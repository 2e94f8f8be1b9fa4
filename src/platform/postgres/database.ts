import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { CONFIG, type Config } from '../config/config.js';
import { TIERS, type Tier } from '../tiers.js';

/** bigint columns are offsets and versions, far below 2^53: read them as numbers. */
const INT8 = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as pg.CustomTypesConfig['getTypeParser'],
};

/** Connections a lane may hold. A flood in one lane can exhaust only its own. */
const POOL_SIZE: Record<Tier, number> = { critical: 4, important: 4, routine: 4 };
const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 15_000;
/** A node that vanished in the midst of a transaction must not hold its users' rows: PostgreSQL itself ends it. */
const ABANDONED_MS = 10_000;

/** A statement of the hot path: prepared once a connection under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** What runs inside one transaction; `afterCommit` work runs once it is durable, and never when it was rolled back. */
export interface Transaction {
  run<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
  afterCommit(work: () => void): void;
}

/** The hot statements' way to PostgreSQL: a pool for each lane, beside Prisma's for everything else. */
@Injectable()
export class Database implements OnApplicationShutdown {
  private readonly pools: Record<Tier, pg.Pool>;
  private stopped = false;

  constructor(@Inject(CONFIG) config: Config) {
    const open = (lane: Tier) => {
      const pool = new pg.Pool({
        connectionString: config.DATABASE_URL,
        max: POOL_SIZE[lane],
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        statement_timeout: STATEMENT_TIMEOUT_MS,
        idle_in_transaction_session_timeout: ABANDONED_MS,
        query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
        keepAlive: true,
        application_name: `usher ${lane}`,
        options: '-c TimeZone=UTC',
        types,
      });
      // A connection that PostgreSQL closed is replaced at the next use; without a listener it would end the process. While
      // it is lent out, between two statements of a transaction, the pool itself does not listen: so each one does.
      pool.on('error', () => undefined);
      pool.on('connect', (client) => client.on('error', () => undefined));
      return pool;
    };
    this.pools = Object.fromEntries(TIERS.map((lane) => [lane, open(lane)])) as Record<Tier, pg.Pool>;
  }

  /** Runs one statement as its own transaction. */
  async run<Row>(lane: Tier, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    const result = await this.pools[lane].query({ ...statement, values: values as unknown[] });
    return result.rows as Row[];
  }

  /** Runs `work` in one READ COMMITTED transaction; rolls back and throws when it throws. */
  async transaction<T>(lane: Tier, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pools[lane].connect();
    const after: (() => void)[] = [];
    const tx: Transaction = {
      run: async <Row>(statement: Statement, values: readonly unknown[]) =>
        (await client.query({ ...statement, values: values as unknown[] })).rows as Row[],
      afterCommit: (act) => void after.push(act),
    };
    let broken: Error | undefined;
    // A connection that ends between two statements says so here; unheard, it would end the process.
    const onError = (error: Error): void => void (broken = error);
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      const result = await work(tx);
      await client.query('COMMIT');
      for (const act of after) act();
      return result;
    } catch (error) {
      // A connection whose ROLLBACK fails is in an unknown state: it is destroyed, not reused.
      await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  /** How many wait for a connection of the lane: a measure of overload. */
  waiting(lane: Tier): number {
    return this.pools[lane].waitingCount;
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    await Promise.all(Object.values(this.pools).map((pool) => pool.end()));
  }
}
