import { Injectable } from '@nestjs/common';
import type { Transaction } from '../../postgres/database.js';
import { PrismaService } from '../../postgres/prisma.service.js';
import { named } from '../../postgres/statement.js';
import type { Scope, ServiceIdentity } from './service-key.js';

const ADD = named(
  'service-key-add',
  'INSERT INTO service_key (id, name, scopes, hash) VALUES ($1, $2, $3, $4)',
);
const REVOKE = named(
  'service-key-revoke',
  'UPDATE service_key SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING name, scopes',
);

/** Service keys in PostgreSQL, as hashes. */
@Injectable()
export class ServiceKeyStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Stores a new key. */
  async add(
    tx: Transaction,
    { id, name, scopes, hash }: { id: string; name: string; scopes: readonly Scope[]; hash: Uint8Array },
  ): Promise<void> {
    await tx.run(ADD, [id, name, scopes, Buffer.from(hash)]);
  }

  /** Returns the key if it exists and is not revoked. */
  async find(id: string): Promise<(ServiceIdentity & { hash: Uint8Array }) | undefined> {
    const row = await this.prisma.serviceKey.findFirst({ where: { id, revokedAt: null } });
    return row ? { id: row.id, name: row.name, scopes: row.scopes as Scope[], hash: row.hash } : undefined;
  }

  /** Returns those of the ids whose keys exist and are not revoked. */
  async filterValid(ids: readonly string[]): Promise<string[]> {
    const rows = await this.prisma.serviceKey.findMany({
      where: { id: { in: [...ids] }, revokedAt: null },
      select: { id: true },
    });
    return rows.map(({ id }) => id);
  }

  /** Returns what the key was; undefined when there is no such key, or it was revoked before. */
  async revoke(tx: Transaction, id: string): Promise<{ name: string; scopes: Scope[] } | undefined> {
    const [key] = await tx.run<{ name: string; scopes: Scope[] }>(REVOKE, [id]);
    return key;
  }
}
