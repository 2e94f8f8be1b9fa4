import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { deviceRemoved, type DeviceRef } from '../devices/device.js';
import { capabilitiesOf } from '../membership/membership.js';
import { membershipChanged, type MembershipVersion } from '../membership/membership-version.js';
import { MembershipService } from '../membership/membership.service.js';
import type { AuditContext, AuditedAct } from '../platform/audit/audit-entry.js';
import { AuditService } from '../platform/audit/audit.service.js';
import { EventBusService } from '../platform/events/event-bus.service.js';
import { Database, type Transaction } from '../platform/postgres/database.js';
import { userErasing } from '../platform/retention/user-erasure.js';
import { StreamStopperService } from './stream-stopper.service.js';
import { maxStreamsOf, FULL_CAPABILITIES } from './stream.js';
import type { StopSelection } from './stream.store.js';

const MAX_ATTEMPTS = 5;
const RETRY_MS = 500;
/** All of a user's streams. */
const BY_OPERATOR = { reason: 'operator', keep: 0 } as const;

/**
 * When streams are stopped: a membership changed, a device was removed, a user is erased, an operator asked for it. Decides which streams
 * of the user and for what reason, in which transaction; StreamStopperService does the stopping.
 */
@Injectable()
export class StopTriggersService implements OnModuleInit {
  private readonly log = new Logger('streams');

  constructor(
    private readonly stopper: StreamStopperService,
    private readonly memberships: MembershipService,
    private readonly bus: EventBusService,
    private readonly database: Database,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    this.bus.subscribe(membershipChanged, ({ tx, version }) => this.stopForMembershipChange(tx, version));
    this.bus.subscribe(deviceRemoved, (device) => this.stopForRemovedDevice(device));
    this.bus.subscribe(userErasing, async ({ userId }) => void (await this.stop({ userId, ...BY_OPERATOR })));
  }

  /** Stops all streams of the user, and tells the audit. Returns their ids. */
  stopByOperator(userId: string, by: AuditContext): Promise<string[]> {
    return this.audit.transaction('critical', by, async (tx) => {
      const stopped = await this.stopWithin(tx, { userId, ...BY_OPERATOR });
      return { outcome: stopped, acts: [streamsStopped(userId, stopped)] };
    });
  }

  /**
   * Stops the streams of a device that was removed. Retries a few times and never throws: if all attempts fail, the next
   * renewal finds out.
   */
  async stopForRemovedDevice({ userId, deviceId }: DeviceRef): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      try {
        await this.stop({ userId, deviceId, reason: 'device_removed', keep: 0 });
        return;
      } catch (error) {
        this.log.warn(`could not stop the streams of device ${deviceId}: ${String(error)}`);
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  /** In the transaction of the change, so that no stream outlives the membership that allowed it. */
  private async stopForMembershipChange(tx: Transaction, change: MembershipVersion): Promise<void> {
    const { userId, version, capabilities } = change;
    const { streaming } = capabilities;
    await this.stopper.stop(tx, {
      userId,
      reason: streaming ? 'too_many_streams' : 'membership',
      keep: maxStreamsOf(capabilities),
      changed: { userId, version, streaming, everyone: streaming !== streamedBefore(change) },
    });
  }

  private stop(selection: StopSelection): Promise<string[]> {
    return this.database.transaction('critical', (tx) => this.stopWithin(tx, selection));
  }

  private async stopWithin(tx: Transaction, selection: StopSelection): Promise<string[]> {
    await this.memberships.lock(tx, selection.userId);
    return this.stopper.stop(tx, selection);
  }
}

const streamsStopped = (userId: string, streamIds: readonly string[]): AuditedAct => ({
  action: 'streams.stop',
  target: { kind: 'user', id: userId },
  userId,
  before: { streamIds },
  after: { streamIds: [] },
  result: streamIds.length === 0 ? 'unchanged' : 'done',
});

const streamedBefore = ({ before }: MembershipVersion): boolean =>
  before !== undefined && capabilitiesOf(before.status, FULL_CAPABILITIES).streaming;
