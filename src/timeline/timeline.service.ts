import { Inject, Injectable } from '@nestjs/common';
import type { ConnectedDevice } from '../cluster/lookup/connected-device.js';
import { ConnectionLookupService } from '../cluster/lookup/connection-lookup.service.js';
import { DevicesService } from '../devices/devices.service.js';
import { withDefaults } from '../devices/preferences/preferences.js';
import { StateStore } from '../mailbox/state/state.store.js';
import { CONFIG, type Config } from '../platform/config/config.js';
import { encodeCursor } from '../platform/http/cursor.schema.js';
import { Problem } from '../platform/http/problem.js';
import { explainCampaign } from './explanations/explain-campaign.js';
import { type AsOf, deliveryTo, describeEvent } from './describe-event.js';
import type { TimelineEventQuery, TimelineQuery } from './timeline.schema.js';
import { type StoredStep, TimelineStore } from './timeline.store.js';
import { stateOf } from './non-delivery-reason.js';

const APPLIED_OR_UNKNOWN: ReadonlySet<string> = new Set(['applied', 'seen', 'unknown']);

/** Explains one user to a back office: the present state, and what happened. */
@Injectable()
export class TimelineService {
  constructor(
    private readonly store: TimelineStore,
    private readonly states: StateStore,
    private readonly devices: DevicesService,
    private readonly lookup: ConnectionLookupService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Returns the user's state, devices, subscriptions, preferences and running streams, and which devices have not applied the newest
   * membership; one whose receipt may have been removed since is `unknown`. `awake` (whether a device is connected) and each device's
   * `connection` (null for one that is not) are left out while that is not known.
   */
  async describeUser(userId: string) {
    const [[read], devices, record, connections] = await Promise.all([
      this.states.read([userId], 'important'),
      this.devices.list(userId),
      this.store.record(userId, this.config.RECEIPT_RETENTION_DAYS),
      this.lookup.find(userId),
    ]);
    const head = read?.state.position.offset ?? 0;
    const { membershipReceipts, areReceiptsComplete, preferences, ...stored } = record;
    const membershipOf = (deviceId: string) => {
      const rank = membershipReceipts[deviceId];
      return rank === undefined && !areReceiptsComplete ? 'unknown' : stateOf(rank ?? 0);
    };
    const described = devices.map((device) => ({
      ...device,
      membership: membershipOf(device.deviceId),
      connection: connections && connectionOf(device.deviceId, connections, head),
    }));
    const notApplied = devices
      .map(({ deviceId }) => deviceId)
      .filter((deviceId) => !APPLIED_OR_UNKNOWN.has(membershipOf(deviceId)));
    return {
      userId,
      awake: connections && connections.length > 0,
      ...read?.state,
      ...stored,
      preferences: withDefaults(preferences ?? undefined),
      devices: described,
      notApplied,
    };
  }

  /** Returns the steps behind `before`, the newest first, and as `next` the `before` of the next page if there may be one. */
  async list(userId: string, { before, limit }: TimelineQuery) {
    const steps = await this.store.steps(userId, before, limit);
    const asOf = this.asOf();
    const timeline = steps.map((step) => toResponse(step, asOf));
    const last = steps.length === limit ? steps.at(-1) : undefined;
    const lastEvent = steps.findLast((step) => step.step === 'event');
    const eventsBelow = lastEvent?.what.offset ?? before?.eventsBelow;
    return { userId, timeline, next: last && encodeCursor([last.at, last.rank, last.ref, eventsBelow]) };
  }

  /**
   * One event with its delivery to each device, or to the one that is asked for: also to one that is none of the user's. Throws Problem
   * not_found for an event of which nothing is known (any more).
   */
  async describeEvent(userId: string, eventId: string, { deviceId }: TimelineEventQuery) {
    const found = await this.store.event(userId, eventId);
    if (!found) throw new Problem('not_found', this.neverPublished());
    const devices = deviceId === undefined ? found.devices : [deliveryTo(deviceId, found.devices)];
    return { userId, ...describeEvent({ ...found, devices }, this.asOf()) };
  }

  private neverPublished(): string {
    const days = this.config.RECEIPT_RETENTION_DAYS;
    return `This user has no event with this id: it was never published to them, was routine, which is not stored, or is older than ${days} days. Compare the id and the user with the response to the call that published it.`;
  }

  /** The receipt `sent` comes after the second copy went unacknowledged, and some seconds may pass until it is written. */
  private asOf(): AsOf {
    return { now: new Date().toISOString(), ackMs: 3_000 * this.config.ACK_TIMEOUT_SECONDS };
  }
}

/** `lag`: the offsets that the device was not sent yet; null until it has its history. */
function connectionOf(deviceId: string, connections: readonly ConnectedDevice[], head: number) {
  const found = connections.find((connection) => connection.deviceId === deviceId);
  if (!found) return null;
  const { nodeId, transport, since, offset, unacknowledged, unreadBytes } = found;
  const lag = offset === null ? null : Math.max(0, head - offset);
  return { nodeId, transport, since, offset, lag, unacknowledged, unreadBytes };
}

function toResponse(step: StoredStep, asOf: AsOf) {
  if (step.step === 'event') return { step: step.step, ...describeEvent(step.what, asOf) };
  const described = { at: step.at, step: step.step, ...step.what };
  return step.step === 'campaign' ? { ...described, explanation: explainCampaign(step.what) } : described;
}
