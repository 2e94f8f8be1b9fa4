import { Injectable } from '@nestjs/common';
import type { DeviceAnswer, DeviceBody } from './device.schema.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import type { DurableTier } from '../platform/tiers.js';
import { deviceRemoved, type DeviceRef, MAX_DEVICES } from './device.js';
import { type ConnectingDevice, type DeadAddress, DeviceStore, type KnownDevice } from './device.store.js';

/** Which devices a user has. */
@Injectable()
export class DevicesService {
  constructor(
    private readonly store: DeviceStore,
    private readonly bus: EventBusService,
  ) {}

  /**
   * Registers devices as they connect, and answers their names in order. Most come back unchanged, and then nothing is
   * written: a storm of reconnects only reads.
   */
  async register(arrivals: readonly ConnectingDevice[]): Promise<(string | undefined)[]> {
    const found = await this.store.find(arrivals.map((arrival) => arrival.deviceId));
    const known = new Map(found.map((device) => [device.deviceId, device]));
    const news = new Map(
      arrivals
        .filter((arrival) => isNews(arrival, known.get(arrival.deviceId)))
        .map((arrival) => [arrival.deviceId, arrival]),
    );
    if (news.size > 0) await this.store.register([...news.values()]);
    // Two users came with one device in the same batch: the later one has it.
    const outrun = arrivals.filter(
      ({ deviceId, userId }) => (news.get(deviceId)?.userId ?? userId) !== userId,
    );
    await Promise.all([
      ...[...news.values()].map((arrival) =>
        this.notifyIfMoved(known.get(arrival.deviceId)?.userId, arrival),
      ),
      ...outrun.map((arrival) => this.notifyRemoved(arrival)),
      this.evictExcess(
        [...news.values()]
          .filter(({ deviceId, userId }) => known.get(deviceId)?.userId !== userId)
          .map(({ userId }) => userId),
      ),
    ]);
    return arrivals.map(({ userId, deviceId }) => nameFor(userId, known.get(deviceId)));
  }

  async put(userId: string, deviceId: string, body: DeviceBody): Promise<void> {
    const before = await this.store.put(userId, deviceId, body);
    await this.notifyIfMoved(before, { userId, deviceId });
    if (before !== userId) await this.evictExcess([userId]);
  }

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

  /** False when the user has no such device. */
  async remove(userId: string, deviceId: string): Promise<boolean> {
    const removed = await this.store.remove(userId, deviceId);
    if (removed) await this.notifyRemoved({ userId, deviceId });
    return removed;
  }

  /** Forgets push addresses that their providers say are dead. Returns the ids of the devices that lost theirs. */
  forgetAddresses(lane: DurableTier, dead: readonly DeadAddress[]): Promise<Set<string>> {
    return this.store.forgetAddresses(lane, dead);
  }

  /** The owner of each device that is registered. */
  async owners(deviceIds: readonly string[]): Promise<Map<string, string>> {
    return new Map((await this.store.find(deviceIds)).map(({ deviceId, userId }) => [deviceId, userId]));
  }

  /** Of users who have got one more device. */
  private async evictExcess(userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    const retired = await this.store.evictExcess([...new Set(userIds)], MAX_DEVICES);
    await Promise.all(retired.map((departure) => this.notifyRemoved(departure)));
  }

  private async notifyIfMoved(before: string | undefined, { userId, deviceId }: DeviceRef): Promise<void> {
    if (before !== undefined && before !== userId) await this.notifyRemoved({ userId: before, deviceId });
  }

  private async notifyRemoved({ userId, deviceId }: DeviceRef): Promise<void> {
    await this.bus.publishAndWait(deviceRemoved, { userId, deviceId });
  }
}

const isNews = (arrival: ConnectingDevice, known: KnownDevice | undefined): boolean =>
  !known ||
  known.userId !== arrival.userId ||
  known.platform !== arrival.platform ||
  (arrival.appVersion !== undefined && known.appVersion !== arrival.appVersion) ||
  known.longAgo;

const nameFor = (userId: string, known: KnownDevice | undefined): string | undefined =>
  known?.userId === userId ? (known.name ?? undefined) : undefined;
