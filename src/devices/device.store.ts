import { Injectable } from '@nestjs/common';
import { Prisma } from '../generated/prisma/client.js';
import { Database } from '../platform/postgres/database.js';
import { PrismaService } from '../platform/postgres/prisma.service.js';
import { named, statement } from '../platform/postgres/statement.js';
import type { DeviceBody } from './device.schema.js';

const ARRIVE = statement('arrive.sql', import.meta.url);
const FIND = named(
  'devices',
  `SELECT device_id AS "deviceId", user_id AS "userId", platform, app_version AS "appVersion", name,
     last_seen_at < now() - interval '1 hour' AS "longAgo"
   FROM device WHERE device_id = ANY ($1)`,
);

/** A device as it says hello on its socket. */
export interface Arrival {
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: string;
  readonly appVersion: string | undefined;
}

export interface KnownDevice extends Arrival {
  readonly name: string | null;
  readonly longAgo: boolean;
}

@Injectable()
export class DeviceStore {
  constructor(
    private readonly database: Database,
    private readonly prisma: PrismaService,
  ) {}

  find(deviceIds: readonly string[]): Promise<KnownDevice[]> {
    return this.database.run('important', FIND, [deviceIds]);
  }

  /** Registers or moves the devices; each id at most once. */
  async arrive(arrivals: readonly Arrival[]): Promise<void> {
    await this.database.run('important', ARRIVE, [JSON.stringify(arrivals)]);
  }

  /** Registers the device anew for this user. Answers the user who had it before, if any. */
  async put(userId: string, deviceId: string, body: DeviceBody): Promise<string | undefined> {
    const said = {
      userId,
      platform: body.platform,
      name: body.name ?? null,
      appVersion: body.appVersion ?? null,
      timezone: body.timezone ?? null,
      locale: body.locale ?? null,
      push: body.push ? (body.push as Prisma.InputJsonObject) : Prisma.DbNull,
      lastSeenAt: new Date(),
    };
    return this.prisma.$transaction(async (tx) => {
      const before = await tx.device.findUnique({ where: { deviceId }, select: { userId: true } });
      await tx.device.upsert({ where: { deviceId }, create: { deviceId, ...said }, update: said });
      return before?.userId;
    });
  }

  list(userId: string) {
    return this.prisma.device.findMany({ where: { userId }, orderBy: { createdAt: 'asc' } });
  }

  /** False when the user has no such device. */
  async remove(userId: string, deviceId: string): Promise<boolean> {
    return (await this.prisma.device.deleteMany({ where: { userId, deviceId } })).count === 1;
  }
}
