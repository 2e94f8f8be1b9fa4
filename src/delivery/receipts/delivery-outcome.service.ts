import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ConnectionLookupService } from '../../cluster/lookup/connection-lookup.service.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { type DeviceOutcome, type PublishedEvent, ReceiptStore } from './receipt.store.js';

/** Events of one call; the outcome of more is found in the timeline, not by waiting. */
const MAX_EVENTS_AWAITED = 100;
/** By then a node that holds a device has recorded the receipt `sent`, unless it is overloaded: the nodes are asked about the others. */
const SENT_WITHIN_MS = 400;
const POLL_MS = 50;
/** Added to the time that a device has to acknowledge, since receipts are written in batches. */
const WRITE_MARGIN_MS = 500;

/** Waits for the outcome of events on devices, for publishers with `wait=received`. */
@Injectable()
export class DeliveryOutcomeService {
  constructor(
    private readonly receipts: ReceiptStore,
    private readonly lookup: ConnectionLookupService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Throws Problem invalid_request for more events than one call may wait for. */
  checkEventCount(count: number): void {
    if (count > MAX_EVENTS_AWAITED)
      throw new Problem(
        'invalid_request',
        `With wait=received a call may have ${MAX_EVENTS_AWAITED} events.`,
      );
  }

  /**
   * Waits until every connected device has acknowledged the events, at most ACK_TIMEOUT_SECONDS. Returns the outcome for each event and
   * device, the devices in the order of their ids; an empty list for routine events, which are not acknowledged. Never throws.
   */
  async waitFor(events: readonly PublishedEvent[]): Promise<DeviceOutcome[][]> {
    const startedAt = monotonicNow();
    const deadline = startedAt + this.config.ACK_TIMEOUT_SECONDS * 1_000 + WRITE_MARGIN_MS;
    // Undefined until they could be read for the first time: that is not known to be no device.
    let outcomes: DeviceOutcome[][] | undefined;
    let isConnected: IsConnected | undefined;
    const isPending = (n: number, { deviceId, state }: DeviceOutcome): boolean =>
      state === 'sent' || (state === 'asleep' && isConnected?.(events[n]?.userId ?? '', deviceId) !== false);
    for (;;) {
      // The events are committed: the call must not look as if it failed because receipts cannot be read.
      outcomes = await this.receipts.readOutcomes(events).catch(() => outcomes);
      if (outcomes && monotonicNow() >= startedAt + SENT_WITHIN_MS)
        isConnected ??= await this.findConnected(events, outcomes);
      const isComplete = outcomes?.every((devices, n) => !devices.some((device) => isPending(n, device)));
      if (isComplete || monotonicNow() >= deadline) return outcomes ?? events.map(() => []);
      await pause(POLL_MS);
    }
  }

  /** Asks the nodes about the users who have a device without a receipt. Returns undefined while that is not known of each of them. */
  private async findConnected(
    events: readonly PublishedEvent[],
    outcomes: readonly (readonly DeviceOutcome[])[],
  ): Promise<IsConnected | undefined> {
    const hasAsleep = (n: number) => outcomes[n]?.some(({ state }) => state === 'asleep');
    const userIds = [...new Set(events.filter((_, n) => hasAsleep(n)).map(({ userId }) => userId))];
    const found = await this.lookup.findAll(userIds);
    if (!found) return undefined;
    return (userId, deviceId) => found.get(userId)?.some((device) => device.deviceId === deviceId) === true;
  }
}

type IsConnected = (userId: string, deviceId: string) => boolean;
