import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { Problem } from '../http/problem.js';
import type { Caller } from './caller.js';
import { PERSON_SESSIONS, type PersonSessions } from './person.js';
import { ServiceKeysService } from './service-keys/service-keys.service.js';
import { UserTokenService } from './user-tokens/user-token.service.js';

const FOR_USERS = /^\/v1\/me(\/|$)/;
/** Where processors post; what is below one of these is for people. */
const WEBHOOKS = /^\/v1\/webhooks\/[^/]+$/;
const FOR_SERVICE_KEYS = /^\/v1\//;

/** Whether the path is one that payment processors call. They have no credentials: each call is signed. */
export const isWebhook = (path: string): boolean => WEBHOOKS.test(path);

/** Checks who makes an HTTP call, before anything else of it is read. */
@Injectable()
export class AuthenticationService {
  constructor(
    private readonly tokens: UserTokenService,
    private readonly keys: ServiceKeysService,
    @Optional() @Inject(PERSON_SESSIONS) private readonly sessions?: PersonSessions,
  ) {}

  /**
   * Returns who makes a call to this path with these credentials, from this address; undefined where none are needed. Without credentials the
   * headers may be those of a session of the console. Throws Problem unauthorized, token_…, rate_limited or unavailable.
   */
  async authenticate(
    path: string,
    credentials: string | undefined,
    address: string,
    headers: IncomingHttpHeaders = {},
  ): Promise<Caller | undefined> {
    if (FOR_USERS.test(path)) return { user: await this.tokens.verify(credentials) };
    if (WEBHOOKS.test(path) || !FOR_SERVICE_KEYS.test(path)) return undefined;
    const person = credentials === undefined ? await this.sessions?.identify(headers) : undefined;
    if (person) return { person };
    const serviceKey = credentials === undefined ? undefined : await this.keys.identify(credentials, address);
    if (!serviceKey) throw new Problem('unauthorized', 'A valid service key is needed.');
    return { serviceKey };
  }
}
