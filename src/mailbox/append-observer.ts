import type { Transaction } from '../platform/postgres/database.js';

/** A durable event that is appended: whose, and of which type. */
export interface ObservedEvent {
  readonly userId: string;
  readonly type: string;
}

/** Does something in the commit of events of some types; bound in app.module.ts to what the mailbox may not import. */
export interface AppendObserver {
  /** Returns whether it has anything to do for such events. Asked for each event, so it must only look into memory. */
  observes(type: string): boolean;
  /** Called in the transaction that appends the events, after they were. What it throws undoes both. */
  onAppend(tx: Transaction, events: readonly ObservedEvent[]): Promise<void>;
}

/** The token of AppendObserver. */
export const APPEND_OBSERVER = Symbol('APPEND_OBSERVER');

/** An observer that has nothing to do. */
export const NO_OBSERVER: AppendObserver = { observes: () => false, onAppend: () => Promise.resolve() };
