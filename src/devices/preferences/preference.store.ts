import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../platform/postgres/prisma.service.js';
import type { Preferences } from './preferences.schema.js';

@Injectable()
export class PreferenceStore {
  constructor(private readonly prisma: PrismaService) {}

  /** What the user said; undefined when nothing. */
  async get(userId: string): Promise<Preferences | undefined> {
    const row = await this.prisma.preference.findUnique({ where: { userId } });
    return row ? (row.body as Preferences) : undefined;
  }

  async put(userId: string, body: Preferences): Promise<void> {
    const said = { body, updatedAt: new Date() };
    await this.prisma.preference.upsert({ where: { userId }, create: { userId, ...said }, update: said });
  }
}
