import { Injectable } from '@nestjs/common';
import type { DeviceAnswer, DeviceBody } from './device.schema.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import type { DurableTier } from '../platform/tiers.js';
import { deviceRemoved, type DeviceRef, MAX_DEVICES } from './device.js';
import { type ConnectingDevice, type DeadAddress, DeviceStore, type KnownDevice } from './device.store.js';

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
      (await this.store.find(devices.map(({ deviceId }) => deviceId))).map((device) => [
        device.deviceId,
        device,
      ]),
    );
    // Two users may connect with one device in the same batch: the last one has it.
    const changed = new Map(
      devices
        .filter((device) => hasChanged(device, known.get(device.deviceId)))
        .map((device) => [device.deviceId, device]),
    );
    if (changed.size > 0) await this.store.register([...changed.values()]);
    const overtaken = devices.filter(
      ({ deviceId, userId }) => (changed.get(deviceId)?.userId ?? userId) !== userId,
    );
    const moved = [...changed.values()].filter(
      ({ deviceId, userId }) => known.get(deviceId)?.userId !== userId,
    );
    await Promise.all([
      ...moved.map((device) => this.publishIfMoved(known.get(device.deviceId)?.userId, device)),
      ...overtaken.map((device) => this.publishRemoved(device)),
      this.evictExcess(moved.map(({ userId }) => userId)),
    ]);
    return devices.map(({ userId, deviceId }) => nameFor(userId, known.get(deviceId)));
  }

  /** Registers the device for this user; what `body` leaves out is removed. One that another user had moves to this one. */
  async put(userId: string, deviceId: string, body: DeviceBody): Promise<void> {
    const before = await this.store.put(userId, deviceId, body);
    await this.publishIfMoved(before, { userId, deviceId });
    if (before !== userId) await this.evictExcess([userId]);
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
    const removed = await this.store.remove(userId, deviceId);
    if (removed) await this.publishRemoved({ userId, deviceId });
    return removed;
  }

  /** Removes push addresses that their providers no longer accept. Returns the ids of the devices that lost theirs. */
  forgetAddresses(lane: DurableTier, dead: readonly DeadAddress[]): Promise<Set<string>> {
    return this.store.forgetAddresses(lane, dead);
  }

  /** Returns the user id of each device, by device id; devices that nobody has are absent. */
  async owners(deviceIds: readonly string[]): Promise<Map<string, string>> {
    return new Map((await this.store.find(deviceIds)).map(({ deviceId, userId }) => [deviceId, userId]));
  }

  /** For users who have one more device than before. */
  private async evictExcess(userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    const evicted = await this.store.evictExcess([...new Set(userIds)], MAX_DEVICES);
    await Promise.all(evicted.map((device) => this.publishRemoved(device)));
  }

  private async publishIfMoved(before: string | undefined, { userId, deviceId }: DeviceRef): Promise<void> {
    if (before !== undefined && before !== userId) await this.publishRemoved({ userId: before, deviceId });
  }

  private async publishRemoved({ userId, deviceId }: DeviceRef): Promise<void> {
    await this.bus.publishAndWait(deviceRemoved, { userId, deviceId });
  }
}

const hasChanged = (device: ConnectingDevice, known: KnownDevice | undefined): boolean =>
  !known ||
  known.userId !== device.userId ||
  known.platform !== device.platform ||
  (device.appVersion !== undefined && known.appVersion !== device.appVersion) ||
  known.lastSeenIsOld;

const nameFor = (userId: string, known: KnownDevice | undefined): string | undefined =>
  known?.userId === userId ? (known.name ?? undefined) : undefined;
