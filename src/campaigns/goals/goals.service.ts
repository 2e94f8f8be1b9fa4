import { Injectable } from '@nestjs/common';
import type { AppendObserver, ObservedEvent } from '../../mailbox/append-observer.js';
import type { Transaction } from '../../platform/postgres/database.js';
import { PeriodicWorker } from '../../platform/scheduling/periodic.worker.js';
import { GoalStore } from './goal.store.js';

/** How late this node learns of the goal of a new campaign, at most. */
const EVERY_MS = 2_000;

/** Counts for campaigns when what they hope for happens to a member. It costs nothing for events of types that no campaign hopes for. */
@Injectable()
export class GoalsService extends PeriodicWorker implements AppendObserver {
  private types: ReadonlySet<string> = new Set();

  constructor(private readonly store: GoalStore) {
    super({ log: 'campaigns', everyMs: EVERY_MS, firstRun: 'at-boot' });
  }

  /** Whether such events are the goal of a campaign. */
  observes(type: string): boolean {
    return this.types.has(type);
  }

  /** Counts what happened, in the commit of the events. */
  onAppend(tx: Transaction, events: readonly ObservedEvent[]): Promise<void> {
    const once = new Map(events.map(({ userId, type }) => [`${userId} ${type}`, { userId, type }]));
    return this.store.convert(tx, [...once.values()]);
  }

  /** Reads which goals there are. */
  async runOnce(): Promise<void> {
    this.types = new Set(await this.store.types());
  }
}
