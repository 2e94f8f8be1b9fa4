import type { Request } from 'express';
import type { ServiceIdentity } from './service-keys/service-key.js';
import type { UserIdentity } from './user-tokens/token-claims.js';

/** Who makes a call: a user, or a back office or edge node with a service key. */
export type Caller = { readonly user: UserIdentity } | { readonly serviceKey: ServiceIdentity };

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
