import type pg from 'pg';
import { IS_LOST, OUR_SLOTS } from '../../../../src/warehouse/capture/our-slots.js';
import { type Check, fail, ok, warn } from './check.js';

const NAME = 'warehouse';
const FACTS = `SELECT slot_name AS slot, ${IS_LOST} AS "isLost", active AS "isRead",
    pg_size_pretty(pg_current_wal_lsn() - coalesce(confirmed_flush_lsn, restart_lsn)) AS lag,
    (SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS "maxMegabytes"
  FROM pg_replication_slots WHERE ${OUR_SLOTS}`;

interface SlotFacts {
  readonly slot: string;
  readonly isLost: boolean;
  readonly isRead: boolean;
  readonly lag: string;
  /** -1: without a limit. */
  readonly maxMegabytes: number;
}

/** Looks at the slot by which changes go out to the warehouse; nothing where there is none. */
export async function checkCapture(client: pg.Client): Promise<Check[]> {
  const { rows } = await client.query<SlotFacts>(FACTS);
  return [rows.map(describe), rows.flatMap(limitOf)].flat();
}

function describe({ slot, isLost, isRead, lag }: SlotFacts): Check {
  if (isLost)
    return fail(
      NAME,
      `PostgreSQL has given up the slot ${slot}`,
      'Changes are missing in the raw zone. A worker with WAREHOUSE=on begins a new slot with a snapshot.',
    );
  const detail = `the slot ${slot} is ${lag} behind`;
  return isRead
    ? ok(NAME, detail)
    : warn(
        NAME,
        `${detail}, and nobody reads it`,
        'Start a worker with WAREHOUSE=on, or drop the slot: PostgreSQL keeps its log for it.',
      );
}

const limitOf = ({ maxMegabytes }: SlotFacts): Check[] =>
  maxMegabytes === -1
    ? [
        warn(
          NAME,
          'max_slot_wal_keep_size has no limit',
          'Set it (docs/operate/warehouse.md): a slot that nobody reads fills the disk of PostgreSQL.',
        ),
      ]
    : [];
