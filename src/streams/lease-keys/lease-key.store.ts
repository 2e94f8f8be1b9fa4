import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/postgres/database.js';
import { named } from '../../platform/postgres/statement.js';

const LOCK = named('lease-keys-lock', `SELECT pg_advisory_xact_lock(hashtextextended('lease-keys', 0))`);
const READ = named(
  'lease-keys',
  `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now, kid, public_key AS "publicKey",
     private_key AS "privateKey", (extract(epoch FROM active_from) * 1000)::float8 AS "activeFrom"
   FROM (VALUES (1)) AS one LEFT JOIN lease_key ON true ORDER BY active_from, kid`,
);
const ADD = named(
  'lease-key-add',
  `INSERT INTO lease_key (kid, public_key, private_key, active_from) VALUES ($1, $2, $3, to_timestamp($4::float8 / 1000))`,
);
const REMOVE = named('lease-keys-remove', 'DELETE FROM lease_key WHERE kid = ANY ($1)');

/** A row of lease_key. */
export interface StoredLeaseKey {
  readonly kid: string;
  readonly publicKey: Record<string, unknown>;
  /** As encryptPrivateKey returned it. */
  readonly privateKey: Uint8Array;
  /** From when on it signs, in ms since 1970. */
  readonly activeFrom: number;
}

/** All keys, in the order of `activeFrom`, and PostgreSQL's time when they were read, in ms since 1970. */
export interface StoredLeaseKeys {
  readonly now: number;
  readonly keys: readonly StoredLeaseKey[];
}

/** The keys that sign leases, as stored. */
@Injectable()
export class LeaseKeyStore {
  constructor(private readonly database: Database) {}

  async read(tx?: Transaction): Promise<StoredLeaseKeys> {
    type Row = { now: number } & (StoredLeaseKey | { kid: null });
    const rows = tx ? await tx.run<Row>(READ, []) : await this.database.run<Row>('critical', READ, []);
    return {
      now: rows[0]?.now ?? 0,
      keys: rows.flatMap((row) => (row.kid === null ? [] : [row])),
    };
  }

  /**
   * Waits for and takes the lock that only one node may hold, until the transaction ends. Only its holder adds or
   * removes keys.
   */
  async lock(tx: Transaction): Promise<void> {
    await tx.run(LOCK, []);
  }

  async add(tx: Transaction, { kid, publicKey, privateKey, activeFrom }: StoredLeaseKey): Promise<void> {
    await tx.run(ADD, [kid, JSON.stringify(publicKey), Buffer.from(privateKey), activeFrom]);
  }

  async remove(tx: Transaction, kids: readonly string[]): Promise<void> {
    await tx.run(REMOVE, [kids]);
  }
}
