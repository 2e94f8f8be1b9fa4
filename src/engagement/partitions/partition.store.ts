import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';
import { dayOfPartition, type EventDay, nextDay, partitionName } from './day-partition.js';

const LIST = named(
  'engagement-partitions',
  `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
   WHERE i.inhparent = 'engagement_event'::regclass ORDER BY 1`,
);
const LOCK = named(
  'engagement-partitions-lock',
  `SELECT pg_try_advisory_xact_lock(hashtextextended('engagement partitions', 0)) AS taken`,
);
/** A partition is not worth the wait of those who write: it is tried again a minute later. */
const LOCK_TIMEOUT: Statement = {
  name: 'engagement-partition-timeout',
  text: `SET LOCAL lock_timeout = '1s'`,
  isPlannedEachTime: true,
};

/** DDL takes no parameters: the names are made of days. */
const ddl = (text: string): Statement => ({ name: 'engagement-partition', text, isPlannedEachTime: true });

/**
 * Created by itself and then attached, which waits for nobody who reads or writes. CREATE … PARTITION OF would wait for every reader, and all
 * others for it.
 */
const creationOf = (day: EventDay): Statement[] => {
  const name = partitionName(day);
  return [
    ddl(`CREATE TABLE IF NOT EXISTS ${name} (LIKE engagement_event INCLUDING DEFAULTS)`),
    ddl(
      `ALTER TABLE engagement_event ATTACH PARTITION ${name} FOR VALUES FROM ('${day}') TO ('${nextDay(day)}')`,
    ),
  ];
};

/** The partitions of engagement_event. */
@Injectable()
export class PartitionStore {
  constructor(private readonly database: Database) {}

  /** Returns the days that have a partition. */
  async list(): Promise<EventDay[]> {
    const rows = await this.database.run<{ name: string }>('routine', LIST, []);
    return rows.flatMap(({ name }) => dayOfPartition(name) ?? []);
  }

  /** Makes a day's partition. Returns false while another worker makes or drops one. */
  add(day: EventDay): Promise<boolean> {
    return this.change(day, 'missing', creationOf(day));
  }

  /** Drops a day's partition with its events. Returns false as `add` does. */
  drop(day: EventDay): Promise<boolean> {
    return this.change(day, 'there', [ddl(`DROP TABLE ${partitionName(day)}`)]);
  }

  /** Runs the statements if the day's partition is there, or missing. */
  private change(
    day: EventDay,
    expected: 'there' | 'missing',
    statements: readonly Statement[],
  ): Promise<boolean> {
    return this.database.transaction('routine', async (tx) => {
      await tx.run(LOCK_TIMEOUT, []);
      const [lock] = await tx.run<{ taken: boolean }>(LOCK, []);
      if (lock?.taken !== true) return false;
      const existing = await tx.run<{ name: string }>(LIST, []);
      const found = existing.some(({ name }) => name === partitionName(day)) ? 'there' : 'missing';
      if (found !== expected) return true;
      for (const statement of statements) await tx.run(statement, []);
      return true;
    });
  }
}
