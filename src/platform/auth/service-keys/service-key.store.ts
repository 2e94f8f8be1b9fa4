import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../postgres/prisma.service.js';
import type { Scope } from './service-key.js';

/** Service keys in PostgreSQL, as hashes. */
@Injectable()
export class ServiceKeyStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Stores a new key. */
  async add(key: {
    id: string;
    name: string;
    scopes: Scope[];
    hash: Uint8Array<ArrayBuffer>;
  }): Promise<void> {
    await this.prisma.serviceKey.create({ data: key });
  }

  /** Returns the key if it exists and is not revoked. */
  async find(id: string): Promise<{ id: string; scopes: Scope[]; hash: Uint8Array } | undefined> {
    const row = await this.prisma.serviceKey.findFirst({ where: { id, revokedAt: null } });
    return row ? { id: row.id, scopes: row.scopes as Scope[], hash: row.hash } : undefined;
  }

  /** Returns those of the ids whose keys exist and are not revoked. */
  async filterValid(ids: readonly string[]): Promise<string[]> {
    const rows = await this.prisma.serviceKey.findMany({
      where: { id: { in: [...ids] }, revokedAt: null },
      select: { id: true },
    });
    return rows.map(({ id }) => id);
  }

  /** Returns false when there is no such key, or it was revoked before. */
  async revoke(id: string): Promise<boolean> {
    const { count } = await this.prisma.serviceKey.updateMany({
      where: { id, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    return count === 1;
  }
}
