import { Topic } from '../events/topic.js';
import type { Statement } from '../postgres/database.js';

/** What a folder stores of a person, and how it is erased (`*.erasure.ts`). */
export interface UserErasure {
  /** One transaction, in this order; `$1`: the user id. They may run again at any time, and then find nothing. */
  readonly statements: readonly Statement[];
}

/** Injection token of the list of UserErasure, in the order in which they run. Bound in app.module.ts, since platform must not import features. */
export const USER_ERASURES = Symbol('USER_ERASURES');

/** A user is about to be erased. Listeners end what still runs for the user; the rows are erased when all of them have. */
export const userErasing = new Topic<{ readonly userId: string }>('retention.user_erasing');

/** The rows of a user were erased. What somebody still knows of them is out of date: the user may come back at any time, with a new token. */
export const userErased = new Topic<{ readonly userId: string }>('retention.user_erased');
