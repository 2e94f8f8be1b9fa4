import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { deviceRemoved, type DeviceRef } from '../devices/device.js';
import { capabilitiesOf } from '../membership/membership.js';
import { membershipChanged, type MembershipVersion } from '../membership/membership-version.js';
import { MembershipService } from '../membership/membership.service.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { StreamStopperService } from './stream-stopper.service.js';
import { maxStreamsOf, FULL_CAPABILITIES } from './stream.js';
import type { StopSelection } from './stream.store.js';

const ATTEMPTS = 5;
const RETRY_MS = 500;

/** What ends streams besides their edge nodes: a change of the membership, a device that left, an operator. */
@Injectable()
export class StopTriggersService implements OnModuleInit {
  private readonly log = new Logger('streams');

  constructor(
    private readonly stops: StreamStopperService,
    private readonly memberships: MembershipService,
    private readonly bus: EventBusService,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(membershipChanged, ({ tx, version }) => this.applyMembershipChange(tx, version));
    this.bus.subscribe(deviceRemoved, (device) => this.stopForRemovedDevice(device));
  }

  /** Answers the streams that were stopped. */
  stopByOperator(userId: string): Promise<string[]> {
    return this.stop({ userId, reason: 'operator', keep: 0 });
  }

  /** The device was removed, or is another user's now. What this misses, the next renewal notices. */
  async stopForRemovedDevice({ userId, deviceId }: DeviceRef): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        await this.stop({ userId, deviceId, reason: 'device_removed', keep: 0 });
        return;
      } catch (error) {
        this.log.warn(`streams of device ${deviceId} may go on: ${String(error)}`);
        await pause(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  private async applyMembershipChange(tx: Transaction, change: MembershipVersion): Promise<void> {
    const { userId, version, capabilities } = change;
    const { streaming } = capabilities;
    await this.stops.stop(tx, {
      userId,
      reason: streaming ? 'too_many_streams' : 'membership',
      keep: maxStreamsOf(capabilities),
      changed: { userId, version, streaming, everyone: streaming !== streamedBefore(change) },
    });
  }

  private stop(stop: StopSelection): Promise<string[]> {
    return this.database.transaction('critical', async (tx) => {
      await this.memberships.lock(tx, stop.userId);
      return this.stops.stop(tx, stop);
    });
  }
}

const streamedBefore = ({ before }: MembershipVersion): boolean =>
  before !== undefined && capabilitiesOf(before.status, FULL_CAPABILITIES).streaming;
