import type { IncomingHttpHeaders } from 'node:http';
import type { Scope } from './service-keys/service-key.js';

/** What a person may be allowed to do; each role is the scope of the same name, and includes the ones before it. */
export const ROLES_OF_PEOPLE = ['read', 'support', 'operate', 'admin'] as const satisfies readonly Scope[];
/** One of ROLES_OF_PEOPLE. */
export type PersonRole = (typeof ROLES_OF_PEOPLE)[number];

/** Returns the highest of the roles; undefined when there is none. */
export const highestRole = (roles: readonly PersonRole[]): PersonRole | undefined =>
  ROLES_OF_PEOPLE.findLast((role) => roles.includes(role));

/** A person who is signed in to the console. */
export interface PersonIdentity {
  /** Who it is, for the identity provider: the `sub` of its ID tokens. */
  readonly id: string;
  /** For people to read. */
  readonly name: string;
  readonly role: PersonRole;
  /** The SHA-256 of the session's secret. Never shown. */
  readonly sessionId: string;
}

/** Finds the session of a call of the console. Bound by the console; without it no call has one. */
export interface PersonSessions {
  /** Returns who makes a call with these headers; undefined without a session. Throws Problem unavailable while Redis is down. */
  identify(headers: IncomingHttpHeaders): Promise<PersonIdentity | undefined>;
  /** Returns those of the sessions (`sessionId`) that have not ended. Does not prolong them. Throws Problem unavailable while Redis is down. */
  filterValid(sessionIds: readonly string[]): Promise<ReadonlySet<string>>;
}
/** Injection token of PersonSessions. */
export const PERSON_SESSIONS = Symbol('PERSON_SESSIONS');
