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
