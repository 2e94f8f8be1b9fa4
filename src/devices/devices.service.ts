import { Injectable } from '@nestjs/common';
import type { DeviceAnswer, DeviceBody } from './device.schema.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import type { DurableTier } from '../platform/tiers.js';
import { type DeadAddress, deviceKey, deviceRemoved, type DeviceRef, MAX_DEVICES } from './device.js';
import { type ConnectingDevice, DeviceStore, type KnownDevice } from './device.store.js';

/** Registers and removes the devices of users. Each removal is published as `deviceRemoved`. */
@Injectable()
export class DevicesService {
  constructor(
    private readonly store: DeviceStore,
    private readonly bus: EventBusService,
  ) {}

  /**
   * Registers devices that connect. Returns their names in order; undefined where there is none. Most devices come back unchanged, and
   * then nothing is written: when thousands reconnect at once, they only read.
   */
  async register(devices: readonly ConnectingDevice[]): Promise<(string | undefined)[]> {
    const known = new Map(
      (await this.store.find(devices)).map((device) => [deviceKey(device), device] as const),
    );
    // A device may connect twice in the same batch.
    const changed = new Map(
      devices.flatMap((device) => {
        const key = deviceKey(device);
        return hasChanged(device, known.get(key)) ? [[key, device] as const] : [];
      }),
    );
    if (changed.size > 0) await this.store.register([...changed.values()]);
    await this.evictExcess([...changed].flatMap(([key, { userId }]) => (known.has(key) ? [] : [userId])));
    return devices.map((device) => known.get(deviceKey(device))?.name ?? undefined);
  }

  /** Registers the device for this user; what `body` leaves out is removed. */
  async put(userId: string, deviceId: string, body: DeviceBody): Promise<void> {
    const isNew = await this.store.put({ userId, deviceId }, body);
    if (isNew) await this.evictExcess([userId]);
  }

  /** Returns the user's devices, the oldest registration first. */
  async list(userId: string): Promise<DeviceAnswer[]> {
    return (await this.store.list(userId)).map((device) => ({
      deviceId: device.deviceId,
      platform: device.platform as DeviceAnswer['platform'],
      name: device.name,
      appVersion: device.appVersion,
      timezone: device.timezone,
      locale: device.locale,
      push: device.push === null ? null : { kind: String((device.push as { kind?: unknown }).kind) },
      createdAt: device.createdAt.toISOString(),
      lastSeenAt: device.lastSeenAt.toISOString(),
    }));
  }

  /** Returns false when the user has no such device. */
  async remove(userId: string, deviceId: string): Promise<boolean> {
    const removed = await this.store.remove({ userId, deviceId });
    if (removed) await this.bus.publishAndWait(deviceRemoved, { userId, deviceId });
    return removed;
  }

  /** Removes push addresses that their providers no longer accept. Returns the keys (deviceKey) of the devices that lost theirs. */
  async forgetAddresses(lane: DurableTier, dead: readonly DeadAddress[]): Promise<ReadonlySet<string>> {
    return new Set((await this.store.forgetAddresses(lane, dead)).map(deviceKey));
  }

  /** Returns whether each of the devices is registered, in order. */
  async areRegistered(devices: readonly DeviceRef[]): Promise<boolean[]> {
    const registered = new Set((await this.store.find(devices)).map(deviceKey));
    return devices.map((device) => registered.has(deviceKey(device)));
  }

  /** For users who have one more device than before. */
  private async evictExcess(userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    const evicted = await this.store.evictExcess([...new Set(userIds)], MAX_DEVICES);
    await Promise.all(evicted.map((device) => this.bus.publishAndWait(deviceRemoved, device)));
  }
}

const hasChanged = (device: ConnectingDevice, known: KnownDevice | undefined): boolean =>
  !known ||
  known.platform !== device.platform ||
  (device.appVersion !== undefined && known.appVersion !== device.appVersion) ||
  known.lastSeenIsOld;
