import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../postgres/database.js';
import { PrismaService } from '../../postgres/prisma.service.js';
import { named } from '../../postgres/statement.js';
import type { Scope, ServiceIdentity } from './service-key.js';

const ADD = named(
  'service-key-add',
  'INSERT INTO service_key (id, name, scopes, hash, expires_at) VALUES ($1, $2, $3, $4, $5)',
);
const REVOKE = named(
  'service-key-revoke',
  'UPDATE service_key SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING name, scopes',
);

const COLUMNS = `id, name, scopes, iso(created_at) AS "createdAt", iso(expires_at) AS "expiresAt", iso(last_used_at) AS "lastUsedAt",
  iso(revoked_at) AS "revokedAt"`;
const LIST = named(
  'service-key-list',
  `SELECT ${COLUMNS} FROM service_key WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1::timestamptz, $2)
   ORDER BY created_at DESC, id DESC LIMIT $3`,
);
const DESCRIBE = named('service-key-describe', `SELECT ${COLUMNS} FROM service_key WHERE id = $1`);
/** Another node may be writing the same key: then this use need not be written. */
const RECORD_USE = named(
  'service-key-used',
  `WITH used AS MATERIALIZED (
     SELECT k.id, u.at FROM unnest($1::text[], $2::timestamptz[]) AS u (id, at) JOIN service_key k USING (id)
     WHERE k.last_used_at IS NULL OR k.last_used_at < u.at
     FOR NO KEY UPDATE OF k SKIP LOCKED
   )
   UPDATE service_key k SET last_used_at = used.at FROM used WHERE k.id = used.id`,
);

/** All that people may know of a service key. Times are ISO 8601. */
export interface DescribedServiceKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

/** A new key as it is stored. */
export interface NewServiceKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly hash: Uint8Array;
  readonly expiresAt: Date | null;
}

/** What a node needs of a key to check it. */
export interface StoredServiceKey extends ServiceIdentity {
  readonly hash: Uint8Array;
  readonly expiresAt: Date | null;
}

/** Service keys in PostgreSQL, as hashes. */
@Injectable()
export class ServiceKeyStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly database: Database,
  ) {}

  /** Stores a new key. */
  async add(tx: Transaction, { id, name, scopes, hash, expiresAt }: NewServiceKey): Promise<void> {
    await tx.run(ADD, [id, name, scopes, Buffer.from(hash), expiresAt]);
  }

  /** Returns the key if it exists and is neither revoked nor expired. */
  async find(id: string): Promise<StoredServiceKey | undefined> {
    const row = await this.prisma.serviceKey.findFirst({ where: { id, ...isValid() } });
    if (!row) return undefined;
    const { name, scopes, hash, expiresAt } = row;
    return { id, name, scopes: scopes as Scope[], hash, expiresAt };
  }

  /** Returns those of the ids whose keys exist and are neither revoked nor expired. */
  async filterValid(ids: readonly string[]): Promise<string[]> {
    const rows = await this.prisma.serviceKey.findMany({
      where: { id: { in: [...ids] }, ...isValid() },
      select: { id: true },
    });
    return rows.map(({ id }) => id);
  }

  /** Returns what the key was; undefined when there is no such key, or it was revoked before. */
  async revoke(tx: Transaction, id: string): Promise<{ name: string; scopes: Scope[] } | undefined> {
    const [key] = await tx.run<{ name: string; scopes: Scope[] }>(REVOKE, [id]);
    return key;
  }

  /** At most `limit` keys, revoked and expired ones too, the newest first; only those after the one that was created then with that id. */
  list(
    after: readonly [createdAt: string, id: string] | undefined,
    limit: number,
  ): Promise<DescribedServiceKey[]> {
    const [createdAt = null, id = null] = after ?? [];
    return this.database.run('important', LIST, [createdAt, id, limit]);
  }

  /** Undefined when there is no such key. */
  async describe(id: string): Promise<DescribedServiceKey | undefined> {
    return (await this.database.run<DescribedServiceKey>('important', DESCRIBE, [id]))[0];
  }

  /** Records when these keys were used last, by their ids. */
  async recordUse(used: ReadonlyMap<string, Date>): Promise<void> {
    await this.database.run('routine', RECORD_USE, [[...used.keys()], [...used.values()]]);
  }
}

const isValid = () => ({ revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] });
