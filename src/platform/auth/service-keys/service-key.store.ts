import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../postgres/prisma.service.js';
import type { Scope } from './service-key.js';

@Injectable()
export class ServiceKeyStore {
  constructor(private readonly prisma: PrismaService) {}

  async add(key: {
    id: string;
    name: string;
    scopes: Scope[];
    hash: Uint8Array<ArrayBuffer>;
  }): Promise<void> {
    await this.prisma.serviceKey.create({ data: key });
  }

  /** A key that may still be used. */
  async find(id: string): Promise<{ id: string; scopes: Scope[]; hash: Uint8Array } | undefined> {
    const row = await this.prisma.serviceKey.findFirst({ where: { id, revokedAt: null } });
    return row ? { id: row.id, scopes: row.scopes as Scope[], hash: row.hash } : undefined;
  }

  /** Which of these may still be used. */
  async valid(ids: readonly string[]): Promise<string[]> {
    const rows = await this.prisma.serviceKey.findMany({
      where: { id: { in: [...ids] }, revokedAt: null },
      select: { id: true },
    });
    return rows.map(({ id }) => id);
  }

  /** False when there is no such key, or it was revoked before. */
  async revoke(id: string): Promise<boolean> {
    const { count } = await this.prisma.serviceKey.updateMany({
      where: { id, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    return count === 1;
  }
}
