import { Injectable } from '@nestjs/common';
import { PresenceStore } from '../cluster/presence.store.js';
import { rankOf } from '../delivery/receipts/receipt.js';
import { DevicesService } from '../devices/devices.service.js';
import { StateStore } from '../mailbox/state/state.store.js';
import { type StoredEventStep, type StoredStep, TimelineStore } from './timeline.store.js';
import { stateOf, nonDeliveryReason } from './non-delivery-reason.js';

/** Explains one user: what is, and what happened. */
@Injectable()
export class TimelineService {
  constructor(
    private readonly store: TimelineStore,
    private readonly states: StateStore,
    private readonly devices: DevicesService,
    private readonly presence: PresenceStore,
  ) {}

  /** All about one user. `awake` is unknown while Redis is away. */
  async user(userId: string) {
    const [[state], devices, record, awake] = await Promise.all([
      this.states.read([userId], 'important'),
      this.devices.list(userId),
      this.store.record(userId),
      this.isAwake(userId),
    ]);
    const { membershipReceipts, ...more } = record;
    const known = devices.map((device) => ({
      ...device,
      membership: stateOf(membershipReceipts[device.deviceId] ?? 0),
    }));
    const applied = rankOf('applied');
    const notApplied = devices.flatMap(({ deviceId }) =>
      (membershipReceipts[deviceId] ?? 0) < applied ? [deviceId] : [],
    );
    return { userId, awake, ...state, ...more, devices: known, notApplied };
  }

  /** Newest first; `next` goes on. */
  async of(userId: string, { before, limit }: { before: string | undefined; limit: number }) {
    const steps = await this.store.steps(userId, before, limit);
    const now = new Date().toISOString();
    const timeline = steps.map((step) => present(step, now));
    return { userId, timeline, ...(steps.length === limit && { next: steps.at(-1)?.at }) };
  }

  private async isAwake(userId: string): Promise<boolean | undefined> {
    const nodes = await this.presence.nodesOf([userId]).catch(() => undefined);
    return nodes?.[0] && nodes[0].length > 0;
  }
}

function present(step: StoredStep, now: string) {
  const { at } = step;
  return step.step === 'event'
    ? { at, step: step.step, ...withReasons(at, step.what, now) }
    : { at, step: step.step, ...step.what };
}

function withReasons(at: string, event: StoredEventStep, now: string) {
  const devices = event.devices.map((device) => {
    const { deviceId, state, sentAt, receivedAt, appliedAt, seenAt, push } = device;
    const why = nonDeliveryReason({ ...event, at }, device, now);
    return { deviceId, state: stateOf(state), why, sentAt, receivedAt, appliedAt, seenAt, push };
  });
  return { ...event, devices };
}
