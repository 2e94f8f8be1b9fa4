import { Injectable } from '@nestjs/common';
import { PrismaService } from '../../platform/postgres/prisma.service.js';
import type { Preferences } from './preferences.schema.js';

/** The preferences of users. */
@Injectable()
export class PreferenceStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Returns the preferences as they were set, without defaults; undefined when none were. */
  async get(userId: string): Promise<Preferences | undefined> {
    const row = await this.prisma.preference.findUnique({ where: { userId } });
    return row ? (row.body as Preferences) : undefined;
  }

  /** Replaces the user's preferences. */
  async put(userId: string, body: Preferences): Promise<void> {
    const columns = { body, updatedAt: new Date() };
    await this.prisma.preference.upsert({
      where: { userId },
      create: { userId, ...columns },
      update: columns,
    });
  }
}
