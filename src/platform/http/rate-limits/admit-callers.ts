import type { NextFunction, Request, Response } from 'express';
import { type AuthenticationService, isWebhook } from '../../auth/authentication.service.js';
import { bearer } from '../../auth/bearer.js';
import { type Caller, rememberCaller } from '../../auth/caller.js';
import type { Config } from '../../config/config.js';
import { discardBody } from '../body/body-parser.js';
import { networkOf } from '../client-address.js';
import { RateLimiter } from './rate-limiter.js';

type Limits = Pick<Config, 'USER_CALLS_PER_SECOND' | 'KEY_CALLS_PER_SECOND' | 'WEBHOOKS_PER_SECOND'>;

/** A page of the console makes some ten calls when it is opened. */
const SESSION_CALLS_PER_SECOND = 20;

/**
 * Returns the middleware that checks who calls, and that they do not call too often, before the body is read: parsing a stranger's
 * body would cost this node more than sending it costs the stranger.
 */
export function admitCallers(authentication: AuthenticationService, limits: Limits) {
  const users = new RateLimiter('user', limits.USER_CALLS_PER_SECOND);
  const keys = new RateLimiter('key', limits.KEY_CALLS_PER_SECOND);
  const webhooks = new RateLimiter('address', limits.WEBHOOKS_PER_SECOND);
  const sessions = new RateLimiter('session', SESSION_CALLS_PER_SECOND);
  const charge = (caller: Caller, response: Response) => {
    if ('user' in caller) users.take(caller.user.userId, response);
    else if ('person' in caller) sessions.take(caller.person.sessionId, response);
    else keys.take(caller.serviceKey.id, response);
  };
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    try {
      const address = networkOf(request.ip);
      const caller = await authentication.authenticate(
        request.path,
        bearer(request),
        address,
        request.headers,
      );
      if (caller) {
        // First of all, so that the log knows who is refused.
        rememberCaller(request, caller);
        charge(caller, response);
      } else if (isWebhook(request.path)) webhooks.take(address, response);
      next();
    } catch (error) {
      discardBody(request);
      next(error);
    }
  };
}
