import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { monotonicNow } from '../../platform/scheduling/monotonic.js';
import { type DeviceOutcome, type PublishedEvent, ReceiptStore } from './receipt.store.js';

/** Events of one call; the outcome of more is found in the timeline, not by waiting. */
const MAX_EVENTS_AWAITED = 100;
/** By then every node that holds a device has recorded the receipt `sent`; a device without one is not connected. */
const SENT_WITHIN_MS = 400;
const POLL_MS = 50;
/** Added to the time that a device has to acknowledge, since receipts are written in batches. */
const WRITE_MARGIN_MS = 500;

/** Waits for the outcome of events on devices, for publishers with `wait=received`. */
@Injectable()
export class DeliveryOutcomeService {
  constructor(
    private readonly receipts: ReceiptStore,
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
    let outcomes: DeviceOutcome[][] = events.map(() => []);
    for (;;) {
      // The events are committed: the call must not look as if it failed because receipts cannot be read.
      outcomes = await this.receipts.readOutcomes(events).catch(() => outcomes);
      const states = outcomes.flat().map(({ state }) => state);
      const isComplete =
        monotonicNow() >= startedAt + SENT_WITHIN_MS ? !states.includes('sent') : states.every(isReceived);
      if (isComplete || monotonicNow() >= deadline) return outcomes;
      await pause(POLL_MS);
    }
  }
}

const isReceived = (state: DeviceOutcome['state']): boolean => state !== 'asleep' && state !== 'sent';
