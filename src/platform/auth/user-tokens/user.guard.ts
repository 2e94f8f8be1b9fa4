import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { bearer } from '../bearer.js';
import type { UserIdentity } from './token-claims.js';
import { UserTokenService } from './user-token.service.js';

const callers = new WeakMap<Request, UserIdentity>();

/** Protects the calls of apps: 401 without a valid user token. */
@Injectable()
export class UserGuard implements CanActivate {
  constructor(private readonly tokens: UserTokenService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    callers.set(request, await this.tokens.verify(bearer(request)));
    return true;
  }
}

/** Parameter decorator: the caller's identity. Needs UserGuard. */
export const CurrentIdentity = createParamDecorator((_: unknown, context: ExecutionContext) =>
  requireCaller(context),
);

/** Parameter decorator: the caller's user id. Needs UserGuard. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext): string => requireCaller(context).userId,
);

/** Returns the caller's identity; undefined on routes without UserGuard. */
export const findCaller = (request: Request): UserIdentity | undefined => callers.get(request);

function requireCaller(context: ExecutionContext): UserIdentity {
  const caller = findCaller(context.switchToHttp().getRequest<Request>());
  if (!caller) throw new Error('needs @UseGuards(UserGuard)');
  return caller;
}
