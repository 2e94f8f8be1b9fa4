import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import type { Histogram } from 'prom-client';
import { CONFIG, type Config } from '../config/config.js';
import { MetricsService } from '../metrics/metrics.service.js';
import { TIERS } from '../tiers.js';

/** PostgreSQL's type id of bigint. Such columns are offsets and versions, far below 2^53: they are read as numbers. */
const INT8 = 20;
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as pg.CustomTypesConfig['getTypeParser'],
};

/** The lanes of the database: those of the tiers, and one for renewals of streams, which are far more than all else that is critical. */
export const DATABASE_LANES = [...TIERS, 'renewals'] as const;
/** One of DATABASE_LANES. */
export type DatabaseLane = (typeof DATABASE_LANES)[number];

/** Connections of each lane: a flood in one lane can use up only its own. */
const POOL_SIZE: Record<DatabaseLane, number> = { critical: 4, important: 4, routine: 4, renewals: 4 };
const CONNECT_TIMEOUT_MS = 3_000;
const STATEMENT_TIMEOUT_MS = 15_000;
/** A connection that is idle this long is asked by TCP whether PostgreSQL is still there. */
const KEEP_ALIVE_AFTER_MS = 10_000;
/** PostgreSQL ends a transaction that is idle this long: a node that vanished within one must not keep its row locks. */
const IDLE_TRANSACTION_TIMEOUT_MS = 10_000;

/**
 * Settings of each connection. PostgreSQL takes a page that is read by an index for four times as dear as the next one of the table, as disks with
 * moving heads have it, and so reads tables of some 50,000 rows from end to end for each batch; 1.1 is what is usual for solid-state disks and memory.
 */
export const SESSION_OPTIONS = '-c TimeZone=UTC -c random_page_cost=1.1';

/** A prepared statement: each connection parses it once, under its name. See statement.ts. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** Planned at each use, for the values that it has then: see plannedEachTime. */
  readonly isPlannedEachTime?: boolean;
}

/** An open transaction, valid only within the function that it was given to. */
export interface Transaction {
  /** Runs one statement; returns its rows. */
  run<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
  /** Runs `work` so that what it wrote is undone when it throws, and the transaction goes on (a savepoint). Rethrows. */
  attempt<T>(work: () => Promise<T>): Promise<T>;
  /** `work` is called after the commit, and never if the transaction is rolled back. */
  afterCommit(work: () => void): void;
}

/**
 * Runs prepared statements, on a connection pool for each lane. PrismaService, with a pool of its own, is for what is not on
 * the hot path.
 */
@Injectable()
export class Database implements OnApplicationShutdown {
  private readonly pools: Record<DatabaseLane, pg.Pool>;
  private readonly timers = new WeakMap<Statement, StatementTimer>();
  private readonly seconds;
  private stopped = false;

  constructor(@Inject(CONFIG) config: Config, metrics: MetricsService = new MetricsService()) {
    this.seconds = metrics.histogram(
      'statement_seconds',
      'How long PostgreSQL takes for a statement, without the wait for a connection; `commit` is the wait for the disk of those that are more than one statement. Alarm on a p99 of `append`, `save-positions` or `commit` above 0.05 that stays. Retention (`remove-…`), `claim-handoffs` and statements named `…lock` take longer by their nature.',
      ['statement'],
    );
    metrics.gauges(
      'statements_waiting',
      'Statements and transactions that wait for a connection to PostgreSQL. A lane has four connections.',
      'sum',
      'lane',
      () => new Map(DATABASE_LANES.map((lane) => [lane, this.waiting(lane)])),
    );
    const open = (lane: DatabaseLane) => {
      const pool = new pg.Pool({
        connectionString: config.DATABASE_URL,
        max: POOL_SIZE[lane],
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        statement_timeout: STATEMENT_TIMEOUT_MS,
        idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
        query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
        // A new connection has no plans: a hundred statements would be planned some times each, the longest for 50 ms, after each pause of a lane.
        idleTimeoutMillis: 0,
        keepAlive: true,
        keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
        application_name: `usher ${lane}`,
        options: SESSION_OPTIONS,
        types,
      });
      // A connection that PostgreSQL closed is replaced at its next use, but an 'error' event without a listener would end the
      // process. The pool listens only to idle connections, so each connection gets a listener of its own as well.
      pool.on('error', () => undefined);
      pool.on('connect', (client) => client.on('error', () => undefined));
      return pool;
    };
    this.pools = Object.fromEntries(DATABASE_LANES.map((lane) => [lane, open(lane)])) as Record<
      DatabaseLane,
      pg.Pool
    >;
  }

  /** Runs one statement as its own transaction; returns its rows. */
  async run<Row>(lane: DatabaseLane, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    const client = await this.pools[lane].connect();
    try {
      const rows = await this.query<Row>(client, statement, values);
      client.release();
      return rows;
    } catch (error) {
      client.release(true); // the connection may be of no use any more
      throw error;
    }
  }

  /** Runs `work` in one READ COMMITTED transaction and returns what it returns. Rolls back and rethrows if it throws. */
  async transaction<T>(lane: DatabaseLane, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pools[lane].connect();
    const afterCommit: (() => void)[] = [];
    const tx: Transaction = {
      run: (statement, values) => this.query(client, statement, values),
      attempt: (attempted) => this.attempt(client, attempted),
      afterCommit: (callback) => void afterCommit.push(callback),
    };
    let broken: Error | undefined;
    // A connection that ends between two statements must not be returned to the pool.
    const onError = (error: Error): void => void (broken = error);
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      const result = await work(tx);
      await this.query(client, COMMIT, []);
      for (const callback of afterCommit) callback();
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

  private async attempt<T>(client: pg.PoolClient, work: () => Promise<T>): Promise<T> {
    await client.query('SAVEPOINT attempted');
    try {
      const result = await work();
      await client.query('RELEASE SAVEPOINT attempted');
      return result;
    } catch (error) {
      await client.query('ROLLBACK TO SAVEPOINT attempted');
      throw error;
    }
  }

  private async query<Row>(
    client: pg.PoolClient,
    statement: Statement,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const start = performance.now();
    try {
      return (await client.query(queryOf(statement, values))).rows as Row[];
    } finally {
      this.timerOf(statement).observe((performance.now() - start) / 1_000);
    }
  }

  private timerOf(statement: Statement): StatementTimer {
    let timer = this.timers.get(statement);
    if (timer === undefined) {
      timer = this.seconds.labels(statement.name.replace(/:.*/, ''));
      this.timers.set(statement, timer);
    }
    return timer;
  }

  /** Returns how many statements and transactions wait for a connection of the lane: a measure of overload. */
  waiting(lane: DatabaseLane): number {
    return this.pools[lane].waitingCount;
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    await Promise.all(Object.values(this.pools).map((pool) => pool.end()));
  }
}

/** Not prepared: it is timed as the statements are, since it waits for the disk. */
const COMMIT: Statement = { name: 'commit', text: 'COMMIT', isPlannedEachTime: true };

type StatementTimer = Histogram.Internal<'statement'>;

/** Without a name, PostgreSQL plans it for these values. */
const queryOf = ({ name, text, isPlannedEachTime }: Statement, values: readonly unknown[]): pg.QueryConfig =>
  isPlannedEachTime ? { text, values: values as unknown[] } : { name, text, values: values as unknown[] };
