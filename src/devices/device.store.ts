import { Inject, Injectable } from '@nestjs/common';
import type { DurableTier } from '../platform/tiers.js';
import { Database, type Statement, type Transaction } from '../platform/postgres/database.js';
import { PrismaService } from '../platform/postgres/prisma.service.js';
import { fragment, named, statement } from '../platform/postgres/statement.js';
import { PUSH_WITHDRAWAL, type PushWithdrawal } from './addresses/push-withdrawal.js';
import { type DeadAddress, type DeviceRef, isBefore } from './device.js';
import type { DeviceBody, DeviceUpdate } from './device.schema.js';

const REGISTER = statement('registration/register-devices.sql', import.meta.url);
const FIND = named(
  'devices',
  `SELECT d.user_id AS "userId", d.device_id AS "deviceId", d.platform, d.app_version AS "appVersion", d.name,
     d.last_seen_at < now() - interval '1 hour' AS "lastSeenIsOld"
   FROM json_to_recordset($1::json) AS k ("userId" text, "deviceId" text)
   JOIN device d ON d.user_id = k."userId" AND d.device_id = k."deviceId"`,
);
const CLAIM_ADDRESS = statement('addresses/claim-address.sql', import.meta.url);
const release = (released: string) =>
  fragment('addresses/release-addresses.sql', import.meta.url, { released });

/** Statements that may take a device or its address, and then withdraw what is queued for it. */
const WITHDRAWING = {
  put: 'registration/put-device.sql',
  update: 'registration/update-device.sql',
  remove: 'registration/remove-device.sql',
  takeAddress: 'addresses/take-address.sql',
  forgetAddresses: 'addresses/forget-addresses.sql',
  evictExcess: 'evict-excess-devices.sql',
  retireUnseen: 'retire-unseen-devices.sql',
} as const;

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

/** The devices and their push addresses. A device is known by its user and its id; the same id of another user is another device. */
@Injectable()
export class DeviceStore {
  private readonly withdrawing: Readonly<Record<keyof typeof WITHDRAWING, Statement>>;

  constructor(
    private readonly database: Database,
    private readonly prisma: PrismaService,
    @Inject(PUSH_WITHDRAWAL) withdrawal: PushWithdrawal,
  ) {
    const fragments = {
      withdrawPushes: withdrawal.sql('lost', 'device_changed'),
      withdrawMovedPushes: withdrawal.sql('lost', 'address_moved'),
      releaseAddresses: release('lost'),
      releaseFormer: release('former'),
    };
    this.withdrawing = Object.fromEntries(
      Object.entries(WITHDRAWING).map(([name, file]) => [name, statement(file, import.meta.url, fragments)]),
    ) as Record<keyof typeof WITHDRAWING, Statement>;
  }

  /** Returns those of the devices that are registered, in no particular order. */
  find(devices: readonly DeviceRef[]): Promise<KnownDevice[]> {
    const keys = devices.map(({ userId, deviceId }) => ({ userId, deviceId }));
    return this.database.run('important', FIND, [JSON.stringify(keys)]);
  }

  /** Registers the devices, or notes that they were seen. Each must occur at most once. */
  async register(devices: readonly ConnectingDevice[]): Promise<void> {
    await this.database.run('important', REGISTER, [JSON.stringify(devices)]);
  }

  /** Registers the device; what `body` leaves out is removed. Returns whether it is new. */
  async put(device: DeviceRef, body: DeviceBody): Promise<boolean> {
    const { platform, name, appVersion, timezone, locale, push } = body;
    const columns = [platform, name, appVersion, timezone, locale, push].map((value) => value ?? null);
    const values = [device.userId, device.deviceId, ...columns];
    return this.database.transaction('important', (tx) =>
      this.claiming(tx, { device, address: push?.address }, async () => {
        const [row] = await tx.run<{ isNew: boolean }>(this.withdrawing.put, values);
        return row?.isNew === true;
      }),
    );
  }

  /** Changes the given fields. Returns false when the user has no such device. */
  async update(device: DeviceRef, changes: DeviceUpdate): Promise<boolean> {
    const values = [device.userId, device.deviceId, JSON.stringify(changes)];
    const updated = this.database.transaction('important', (tx) =>
      this.claiming(tx, { device, address: changes.push?.address }, async () => {
        const rows = await tx.run(this.withdrawing.update, values);
        // Its address stays with whoever has it.
        if (rows.length === 0) throw new UnknownDevice();
        return true;
      }),
    );
    return updated.catch((error: unknown) => {
      if (error instanceof UnknownDevice) return false;
      throw error;
    });
  }

  /** Returns the user's devices, the oldest registration first. */
  list(userId: string) {
    return this.prisma.device.findMany({ where: { userId }, orderBy: { createdAt: 'asc' } });
  }

  /** Returns false when the user has no such device. */
  async remove({ userId, deviceId }: DeviceRef): Promise<boolean> {
    return (await this.database.run('important', this.withdrawing.remove, [userId, deviceId])).length === 1;
  }

  /** Removes all but the `keep` devices of each user that were seen last. Returns which it removed. */
  evictExcess(userIds: readonly string[], keep: number): Promise<DeviceRef[]> {
    return this.database.run('important', this.withdrawing.evictExcess, [userIds, keep]);
  }

  /** Removes dead push addresses, unless they were registered again since. Returns the devices that lost theirs. */
  forgetAddresses(lane: DurableTier, dead: readonly DeadAddress[]): Promise<DeviceRef[]> {
    return this.database.run(lane, this.withdrawing.forgetAddresses, [JSON.stringify(dead)]);
  }

  /** Removes at most `limit` devices that were not seen for `days` days. Returns which it removed. */
  retireUnseen(days: number, limit: number): Promise<DeviceRef[]> {
    return this.database.run('routine', this.withdrawing.retireUnseen, [days, limit]);
  }

  /**
   * Calls `write`, which writes the device. The address that it registers, if any, belongs to it from then on: the device that had it loses
   * it in the same commit. Both are locked in the order of user and device, so that two that exchange their addresses cannot deadlock.
   */
  private async claiming<T>(
    tx: Transaction,
    { device, address }: { device: DeviceRef; address: string | undefined },
    write: () => Promise<T>,
  ): Promise<T> {
    const former = address === undefined ? undefined : await this.claim(tx, device, address);
    if (!former) return write();
    const take = () => tx.run(this.withdrawing.takeAddress, [former.userId, former.deviceId, address]);
    if (isBefore(former, device)) await take();
    const written = await write();
    if (isBefore(device, former)) await take();
    return written;
  }

  /** Returns the other device that had the address, if any. */
  private async claim(
    tx: Transaction,
    { userId, deviceId }: DeviceRef,
    address: string,
  ): Promise<DeviceRef | undefined> {
    const values = [address, userId, deviceId];
    const [former] = await tx.run<DeviceRef | Record<keyof DeviceRef, null>>(CLAIM_ADDRESS, values);
    return former && former.userId !== null ? former : undefined;
  }
}

/** Rolls back what was begun for a device that its user does not have. */
class UnknownDevice extends Error {}
