import { Injectable } from '@nestjs/common';
import type { DurableTier } from '../platform/postgres/lanes.js';
import type { Envelope } from './event.js';

/** One event on its way to the devices of its user. */
export interface Announcement {
  readonly userId: string;
  readonly envelope: Envelope;
  /** The device that caused it, and need not hear it. */
  readonly exceptDeviceId?: string | undefined;
}

/** What one commit (or one turn, for routine events) has to hand on. */
export interface Batch {
  readonly announcements: readonly Announcement[];
  /** The handoff to settle once every event is handed on; routine batches have none. */
  readonly handoff?: { readonly id: string; readonly tier: DurableTier };
}

/**
 * From what was written to what must be told: told of a batch only after its commit, in this process, at once.
 * A listener must not throw and must not wait. What is lost when the process dies is found by the sweep (delivery/).
 */
@Injectable()
export class Feed {
  private readonly listeners: ((batch: Batch) => void)[] = [];

  subscribe(listener: (batch: Batch) => void): void {
    this.listeners.push(listener);
  }

  announce(batch: Batch): void {
    for (const listener of this.listeners) listener(batch);
  }
}
