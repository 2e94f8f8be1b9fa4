import { Injectable } from '@nestjs/common';
import { Prisma } from '../generated/prisma/client.js';
import type { DurableTier } from '../platform/tiers.js';
import { Database } from '../platform/postgres/database.js';
import { PrismaService } from '../platform/postgres/prisma.service.js';
import { named, statement } from '../platform/postgres/statement.js';
import type { DeviceRef } from './device.js';
import type { DeviceBody, DeviceUpdate } from './device.schema.js';

const REGISTER = statement('register-devices.sql', import.meta.url);
const EVICT_EXCESS = statement('evict-excess-devices.sql', import.meta.url);
const RETIRE_UNSEEN = statement('retire-unseen-devices.sql', import.meta.url);
const FORGET_ADDRESSES = statement('forget-addresses.sql', import.meta.url);
const FIND = named(
  'devices',
  `SELECT device_id AS "deviceId", user_id AS "userId", platform, app_version AS "appVersion", name,
     last_seen_at < now() - interval '1 hour' AS "lastSeenIsOld"
   FROM device WHERE device_id = ANY ($1)`,
);

/** A device that connects, as it describes itself in the handshake. */
export interface ConnectingDevice {
  readonly userId: string;
  readonly deviceId: string;
  readonly platform: string;
  readonly appVersion: string | undefined;
}

/** A registered device. */
export interface KnownDevice extends ConnectingDevice {
  readonly name: string | null;
  /** It was seen more than an hour ago, so that time must be written again. */
  readonly lastSeenIsOld: boolean;
}

/** A push address that its provider no longer accepts; `since` when, if the provider reports it. */
export interface DeadAddress {
  readonly deviceId: string;
  readonly address: string;
  readonly since: Date | undefined;
}

/** The devices and their push addresses. */
@Injectable()
export class DeviceStore {
  constructor(
    private readonly database: Database,
    private readonly prisma: PrismaService,
  ) {}

  /** Returns those of the devices that are registered, in no particular order. */
  find(deviceIds: readonly string[]): Promise<KnownDevice[]> {
    return this.database.run('important', FIND, [deviceIds]);
  }

  /** Registers the devices, or moves them to their new users. Each id must occur at most once. */
  async register(devices: readonly ConnectingDevice[]): Promise<void> {
    await this.database.run('important', REGISTER, [JSON.stringify(devices)]);
  }

  /** Registers the device for this user; what `body` leaves out is removed. Returns the id of the user who had it before, if any. */
  async put(userId: string, deviceId: string, body: DeviceBody): Promise<string | undefined> {
    const now = new Date();
    const columns = {
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
      await tx.device.upsert({ where: { deviceId }, create: { deviceId, ...columns }, update: columns });
      return before?.userId;
    });
  }

  /** Changes the given fields. Returns false when the user has no such device. */
  async update({ userId, deviceId }: DeviceRef, { push, ...fields }: DeviceUpdate): Promise<boolean> {
    const now = new Date();
    const address =
      push === undefined ? {} : { push: push ?? Prisma.DbNull, pushRegisteredAt: push === null ? null : now };
    return this.prisma.$transaction(async (tx) => {
      if (push) await takeAddress(tx, deviceId, push.address);
      const data = { ...fields, ...address, lastSeenAt: now } as Prisma.DeviceUpdateManyMutationInput;
      return (await tx.device.updateMany({ where: { userId, deviceId }, data })).count === 1;
    });
  }

  /** Returns the user's devices, the oldest registration first. */
  list(userId: string) {
    return this.prisma.device.findMany({ where: { userId }, orderBy: { createdAt: 'asc' } });
  }

  /** Returns false when the user has no such device. */
  async remove(userId: string, deviceId: string): Promise<boolean> {
    return (await this.prisma.device.deleteMany({ where: { userId, deviceId } })).count === 1;
  }

  /** Removes all but the `keep` devices of each user that were seen last. Returns which it removed. */
  evictExcess(userIds: readonly string[], keep: number): Promise<DeviceRef[]> {
    return this.database.run('important', EVICT_EXCESS, [userIds, keep]);
  }

  /** Removes dead push addresses, unless they were registered again since. Returns the ids of the devices that lost theirs. */
  async forgetAddresses(lane: DurableTier, dead: readonly DeadAddress[]): Promise<Set<string>> {
    const rows = await this.database.run<{ deviceId: string }>(lane, FORGET_ADDRESSES, [
      JSON.stringify(dead),
    ]);
    return new Set(rows.map(({ deviceId }) => deviceId));
  }

  /** Removes at most `limit` devices that were not seen for `days` days. Returns which it removed. */
  retireUnseen(days: number, limit: number): Promise<DeviceRef[]> {
    return this.database.run('routine', RETIRE_UNSEEN, [days, limit]);
  }
}

/**
 * Removes the address from any other device. An address reaches one installation of the app, so it belongs to the device that registered
 * it last. The lock makes two registrations of one address wait for each other; pushes that are queued for the other device are withdrawn
 * in the same commit (trigger `device_moved`).
 */
async function takeAddress(tx: Prisma.TransactionClient, deviceId: string, address: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${address}, 0))`;
  await tx.$executeRaw`UPDATE device SET push = NULL, push_registered_at = NULL
    WHERE push ->> 'address' = ${address} AND device_id <> ${deviceId}`;
}
