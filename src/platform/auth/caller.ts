import type { Request } from 'express';
import type { PersonIdentity } from './person.js';
import type { Scope, ServiceIdentity } from './service-keys/service-key.js';
import type { UserIdentity } from './user-tokens/token-claims.js';

/** Who makes a call: a user, a back office or edge node with a service key, or a person in the console. */
export type Caller =
  | { readonly user: UserIdentity }
  | { readonly serviceKey: ServiceIdentity }
  | { readonly person: PersonIdentity };

const callers = new WeakMap<Request, Caller>();

/** Records who makes the call; AuthenticationService has checked it. */
export const rememberCaller = (request: Request, caller: Caller): void => void callers.set(request, caller);

/** Whether it is known who makes the call. */
export const hasCaller = (request: Request): boolean => callers.has(request);

/** Returns the calling user; undefined on routes that are not for users. */
export function findUser(request: Request): UserIdentity | undefined {
  const caller = callers.get(request);
  return caller && 'user' in caller ? caller.user : undefined;
}

/** Returns the calling service key; undefined on routes that are not for service keys. */
export function findServiceKey(request: Request): ServiceIdentity | undefined {
  const caller = callers.get(request);
  return caller && 'serviceKey' in caller ? caller.serviceKey : undefined;
}

/** Returns the calling person; undefined for a call that does not come from the console. */
export function findPerson(request: Request): PersonIdentity | undefined {
  const caller = callers.get(request);
  return caller && 'person' in caller ? caller.person : undefined;
}

/** Who acts for the service, and what they may do. */
export interface BackOfficeCaller {
  readonly kind: 'key' | 'person';
  readonly id: string;
  /** For people to read. */
  readonly name: string;
  readonly scopes: readonly Scope[];
}

/** Returns the calling service key or person; undefined on routes that are for neither. */
export function findBackOffice(request: Request): BackOfficeCaller | undefined {
  const person = findPerson(request);
  if (person) return { kind: 'person', id: person.id, name: person.name, scopes: [person.role] };
  const key = findServiceKey(request);
  return key && { kind: 'key', ...key };
}
