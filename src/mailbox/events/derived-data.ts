import type { BuiltInType } from './event-types.js';

/**
 * A type of event whose `data` may be null in the mailbox: then it is read from a table of the feature that publishes it whenever the
 * event is read. For data that is large and stored there anyway; event and row are written in one commit. Bound in app.module.ts.
 */
export interface DerivedEventData {
  readonly type: BuiltInType;
  /** Returns a scalar subquery for the `data` as json; `userId` and `profileId` are SQL expressions for the event's columns. */
  sql(entry: { readonly userId: string; readonly profileId: string }): string;
}

/** Injection token of the list of DerivedEventData. */
export const DERIVED_EVENT_DATA = Symbol('DERIVED_EVENT_DATA');
