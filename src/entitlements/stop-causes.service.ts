import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type Departure, Devices } from '../devices/devices.service.js';
import { capabilitiesOf } from '../membership/membership.js';
import { type MembershipChange, Memberships } from '../membership/membership.service.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { Stops } from './stops.service.js';
import { allowance, FULL_CAPABILITIES } from './stream.js';
import type { Stop } from './stream.store.js';

const ATTEMPTS = 5;
const RETRY_MS = 500;

/** What ends streams besides their edge nodes: a change of the membership, a device that left, an operator. */
@Injectable()
export class StopCauses implements OnModuleInit {
  private readonly log = new Logger('streams');

  constructor(
    private readonly stops: Stops,
    private readonly memberships: Memberships,
    private readonly devices: Devices,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    this.memberships.onChange((tx, change) => this.membershipChanged(tx, change));
    this.devices.onDeparture((departure) => this.deviceLeft(departure));
  }

  /** Answers the streams that were stopped. */
  operatorStops(userId: string): Promise<string[]> {
    return this.stop({ userId, reason: 'operator', keep: 0 });
  }

  /** The device was removed, or is another user's now. What this misses, the next renewal notices. */
  async deviceLeft({ userId, deviceId }: Departure): Promise<void> {
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

  private async membershipChanged(tx: Transaction, change: MembershipChange): Promise<void> {
    const { userId, version, capabilities } = change;
    const { streaming } = capabilities;
    await this.stops.stop(tx, {
      userId,
      reason: streaming ? 'too_many_streams' : 'membership',
      keep: allowance(capabilities),
      changed: { userId, version, streaming, everyone: streaming !== streamedBefore(change) },
    });
  }

  private stop(stop: Stop): Promise<string[]> {
    return this.database.transaction('critical', async (tx) => {
      await this.memberships.lock(tx, stop.userId);
      return this.stops.stop(tx, stop);
    });
  }
}

const streamedBefore = ({ before }: MembershipChange): boolean =>
  before !== undefined && capabilitiesOf(before.status, FULL_CAPABILITIES).streaming;
