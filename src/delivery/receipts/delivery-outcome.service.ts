import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { Problem } from '../../platform/http/problem.js';
import { type DeviceOutcome, type PublishedEvent, ReceiptStore } from './receipt.store.js';

/** Whoever publishes more wants a timeline, not an answer to wait for. */
const MAX_AWAITED = 100;
/** Within this time every node that holds a device has said that it sent the event. */
const SETTLE_MS = 400;
const LOOK_EVERY_MS = 50;
/** Beyond the time that a device has to acknowledge: receipts are written in batches. */
const GRACE_MS = 500;

/** What becomes of events on devices, for publishers who wait for it. */
@Injectable()
export class DeliveryOutcomeService {
  constructor(
    private readonly receipts: ReceiptStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Throws Problem invalid_request. */
  checkCount(count: number): void {
    if (count > MAX_AWAITED)
      throw new Problem('invalid_request', `With wait=received a call may have ${MAX_AWAITED} events.`);
  }

  /**
   * For each event its devices, in the order of their ids; none for routine ones, which nobody acknowledges. Waits for those
   * that are awake, at most ACK_TIMEOUT_SECONDS.
   */
  async of(events: readonly PublishedEvent[]): Promise<DeviceOutcome[][]> {
    const began = Date.now();
    const deadline = began + this.config.ACK_TIMEOUT_SECONDS * 1_000 + GRACE_MS;
    let outcomes: DeviceOutcome[][] = events.map(() => []);
    for (;;) {
      // The events are committed: that nobody can say what became of them must not make the call look as if it failed.
      outcomes = await this.receipts.outcomes(events).catch(() => outcomes);
      const states = outcomes.flat().map(({ state }) => state);
      const settled = Date.now() >= began + SETTLE_MS ? !states.includes('sent') : states.every(wasReceived);
      if (settled || Date.now() >= deadline) return outcomes;
      await pause(LOOK_EVERY_MS);
    }
  }
}

const wasReceived = (state: DeviceOutcome['state']): boolean => state !== 'asleep' && state !== 'sent';
