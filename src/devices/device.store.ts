import { Injectable } from '@nestjs/common';
import { Prisma } from '../generated/prisma/client.js';
import type { DurableTier } from '../platform/tiers.js';
import { Database } from '../platform/postgres/database.js';
import { PrismaService } from '../platform/postgres/prisma.service.js';
import { named, statement } from '../platform/postgres/statement.js';
import type { DeviceRef } from './device.js';
import type { DeviceBody, DeviceUpdate } from './device.schema.js';

const ARRIVE = statement('register-devices.sql', import.meta.url);
const SURPLUS = statement('evict-excess-devices.sql', import.meta.url);
const RETIRE = statement('retire-unseen-devices.sql', import.meta.url);
const FORGET_ADDRESSES = statement('forget-addresses.sql', import.meta.url);
const FIND = named(
  'devices',
  `SELECT device_id AS "deviceId", user_id AS "userId", platform, app_version AS "appVersion", name,
     last_seen_at < now() - interval '1 hour' AS "longAgo"
   FROM device WHERE device_id = ANY ($1)`,
);

/** A device as it says hello on its socket. */
export interface ConnectingDevice {
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: string;
  readonly appVersion: string | undefined;
}

export interface KnownDevice extends ConnectingDevice {
  readonly name: string | null;
  readonly longAgo: boolean;
}

/** A push address that its provider says is dead; `since` when, if it said so. */
export interface DeadAddress {
  readonly deviceId: string;
  readonly address: string;
  readonly since: Date | undefined;
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
  async register(arrivals: readonly ConnectingDevice[]): Promise<void> {
    await this.database.run('important', ARRIVE, [JSON.stringify(arrivals)]);
  }

  /** Registers the device anew for this user. Answers the user who had it before, if any. */
  async put(userId: string, deviceId: string, body: DeviceBody): Promise<string | undefined> {
    const now = new Date();
    const said = {
      userId,
      platform: body.platform,
      name: body.name ?? null,
      appVersion: body.appVersion ?? null,
      timezone: body.timezone ?? null,
      locale: body.locale ?? null,
      push: body.push ?? Prisma.DbNull,
      pushRegisteredAt: body.push ? now : null,
      lastSeenAt: now,
    };
    return this.prisma.$transaction(async (tx) => {
      if (body.push) await takeAddress(tx, deviceId, body.push.address);
      const before = await tx.device.findUnique({ where: { deviceId }, select: { userId: true } });
      await tx.device.upsert({ where: { deviceId }, create: { deviceId, ...said }, update: said });
      return before?.userId;
    });
  }

  /** Changes what is given. False when the user has no such device. */
  async update({ userId, deviceId }: DeviceRef, { push, ...said }: DeviceUpdate): Promise<boolean> {
    const now = new Date();
    const address =
      push === undefined ? {} : { push: push ?? Prisma.DbNull, pushRegisteredAt: push === null ? null : now };
    return this.prisma.$transaction(async (tx) => {
      if (push) await takeAddress(tx, deviceId, push.address);
      const data = { ...said, ...address, lastSeenAt: now } as Prisma.DeviceUpdateManyMutationInput;
      return (await tx.device.updateMany({ where: { userId, deviceId }, data })).count === 1;
    });
  }

  list(userId: string) {
    return this.prisma.device.findMany({ where: { userId }, orderBy: { createdAt: 'asc' } });
  }

  /** False when the user has no such device. */
  async remove(userId: string, deviceId: string): Promise<boolean> {
    return (await this.prisma.device.deleteMany({ where: { userId, deviceId } })).count === 1;
  }

  /** Retires of each user's devices what is beyond the newest `keep`; answers which. */
  evictExcess(userIds: readonly string[], keep: number): Promise<DeviceRef[]> {
    return this.database.run('important', SURPLUS, [userIds, keep]);
  }

  /** Forgets dead push addresses, unless they were registered anew since. Returns the ids of the devices that lost theirs. */
  async forgetAddresses(lane: DurableTier, dead: readonly DeadAddress[]): Promise<Set<string>> {
    const rows = await this.database.run<{ deviceId: string }>(lane, FORGET_ADDRESSES, [
      JSON.stringify(dead),
    ]);
    return new Set(rows.map(({ deviceId }) => deviceId));
  }

  /** Retires devices that nobody saw for so many days, at most `limit`; answers which. */
  retireUnseen(days: number, limit: number): Promise<DeviceRef[]> {
    return this.database.run('routine', RETIRE, [days, limit]);
  }
}

/**
 * An address reaches one installation of the app, so it belongs to the device that named it last. Whoever registers one waits for
 * whoever registers the same; what is queued for the former owner ends in the same commit (trigger `device_moved`).
 */
async function takeAddress(tx: Prisma.TransactionClient, deviceId: string, address: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${address}, 0))`;
  await tx.$executeRaw`UPDATE device SET push = NULL, push_registered_at = NULL
    WHERE push ->> 'address' = ${address} AND device_id <> ${deviceId}`;
}
