import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named, plannedEachTime, statement } from '../../platform/postgres/statement.js';
import { foldedColumns, VALUES_A_DAY } from './folding.js';

/**
 * The number and the clock are read under the lock: a part that is MATERIALIZED has returned its row before the next one begins. Those who write
 * wait for this lock as long as we wait for it, so that is not long.
 */
const BOUND = named(
  'engagement-bound',
  `WITH bounded AS MATERIALIZED (SELECT set_config('lock_timeout', '250ms', true)),
     locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended('engagement', 0)) FROM bounded)
   SELECT coalesce(pg_sequence_last_value('engagement_event_seq'), 0) AS seq, iso(clock_timestamp()) AS at FROM locked`,
);
/** Of an idle service: what is counted is what was received until now. A watermark that another worker holds is left to it. */
const KEEP_UP = named(
  'engagement-watermark-keep-up',
  `UPDATE engagement_watermark SET at = greatest(at, $2::timestamptz) WHERE name = (
     SELECT name FROM engagement_watermark WHERE name = 'rollups' AND seq >= $1 FOR UPDATE SKIP LOCKED
   ) RETURNING name`,
);
const CLAIM = named(
  'engagement-watermark-claim',
  `SELECT seq, iso(at) AS at FROM engagement_watermark WHERE name = 'rollups' FOR UPDATE SKIP LOCKED`,
);
const READ = named(
  'engagement-watermark',
  `SELECT seq, iso(at) AS at FROM engagement_watermark WHERE name = 'rollups'`,
);
const END_OF_SLICE = named(
  'engagement-slice',
  `SELECT max(s.seq) AS seq, count(*)::int AS events FROM (
     SELECT e.seq FROM engagement_event e WHERE e.seq > $1 AND e.seq <= $2 ORDER BY e.seq LIMIT $3
   ) s`,
);
const TAKE_VALUES = plannedEachTime(statement('take-values.sql', import.meta.url));
const ROLL_UP = plannedEachTime(statement('roll-up.sql', import.meta.url, foldedColumns('$3')));
/**
 * A slice is grouped twenty times, in memory. Its rows are looked up by the key: a guess that they are many would have the planner read the whole table.
 */
const FOR_SLICES = named(
  'engagement-slice-settings',
  `SELECT set_config('work_mem', '64MB', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`,
);
const ADVANCE = named(
  'engagement-watermark-advance',
  `UPDATE engagement_watermark SET seq = $1, at = $2::timestamptz WHERE name = 'rollups'`,
);

/** All events up to a number, which are all that were received up to an instant. */
export interface RollupWatermark {
  readonly seq: number;
  /** ISO 8601. */
  readonly at: string;
}

/** What became of a slice of events. */
export interface CountedSlice {
  readonly events: number;
  /** The dimension of each name that did not fit, and counts as OTHER. */
  readonly folded: readonly string[];
}

/** The roll-ups, as they are made: the tables engagement_rollup, engagement_value and engagement_watermark. */
@Injectable()
export class RollupStore {
  constructor(private readonly database: Database) {}

  /**
   * Returns a number up to which each event is committed, or will never be. Nobody writes while the lock is held, so nobody has drawn a number
   * without having committed. Throws (55P03) when a batch takes too long: then it is asked for again.
   */
  async readBound(): Promise<RollupWatermark> {
    const [bound] = await this.database.run<RollupWatermark>('routine', BOUND, []);
    if (!bound) throw new Error('the sequence of engagement events is missing');
    return bound;
  }

  /** Moves the watermark's time to the bound's if all events up to it are counted. Returns whether they are. */
  async keepUp({ seq, at }: RollupWatermark): Promise<boolean> {
    return (await this.database.run('routine', KEEP_UP, [seq, at])).length > 0;
  }

  /** Returns how far the roll-ups are. */
  async readWatermark(): Promise<RollupWatermark> {
    const [row] = await this.database.run<RollupWatermark>('important', READ, []);
    if (!row) throw new Error('the watermark of the roll-ups is missing: run the migrations');
    return row;
  }

  /**
   * Counts at most `limit` events up to the bound, and moves the watermark, in one transaction. Returns how many they were; undefined while another
   * worker is at it.
   */
  rollUp(bound: RollupWatermark, limit: number): Promise<CountedSlice | undefined> {
    return this.database.transaction('routine', async (tx) => {
      const [done] = await tx.run<RollupWatermark>(CLAIM, []);
      if (!done) return undefined;
      return done.seq > bound.seq ? { events: 0, folded: [] } : this.count(tx, done, bound, limit);
    });
  }

  private async count(
    tx: Transaction,
    done: RollupWatermark,
    bound: RollupWatermark,
    limit: number,
  ): Promise<CountedSlice> {
    type Slice = { seq: number | null; events: number };
    // Nothing came in: a look at every partition is spared.
    const [slice] =
      done.seq < bound.seq ? await tx.run<Slice>(END_OF_SLICE, [done.seq, bound.seq, limit]) : [];
    const events = slice?.events ?? 0;
    const isWhole = events < limit;
    const end = isWhole ? bound.seq : (slice?.seq ?? bound.seq);
    const folded = events > 0 ? await this.countUpTo(tx, done.seq, end) : [];
    const at = isWhole && bound.at > done.at ? bound.at : done.at;
    await tx.run(ADVANCE, [end, at]);
    return { events, folded };
  }

  /** Returns the dimensions of the names that did not fit. */
  private async countUpTo(tx: Transaction, after: number, end: number): Promise<string[]> {
    await tx.run(FOR_SLICES, []);
    type Folded = { dimension: string; key: string };
    const folded = await tx.run<Folded>(TAKE_VALUES, [after, end, JSON.stringify(VALUES_A_DAY)]);
    const keys = Object.fromEntries(folded.map(({ key }) => [key, true]));
    await tx.run(ROLL_UP, [after, end, JSON.stringify(keys)]);
    return folded.map(({ dimension }) => dimension);
  }
}
