import type { BuiltInType } from './event-types.js';

/**
 * A type of event whose `data` is not stored with the mailbox entry, but read from the publishing folder's own table whenever the
 * entry is read. For data that is large and stands there anyway; entry and row are written in one commit. Bound in app.module.ts.
 */
export interface DerivedEventData {
  readonly type: BuiltInType;
  /** A scalar subquery that returns the `data` as json; `userId` and `profileId` are the entry's columns. */
  sql(entry: { readonly userId: string; readonly profileId: string }): string;
}

export const DERIVED_EVENT_DATA = Symbol('DERIVED_EVENT_DATA');
