import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { bearer } from '../bearer.js';
import type { UserIdentity } from './token-claims.js';
import { UserTokenService } from './user-token.service.js';

const callers = new WeakMap<Request, UserIdentity>();

/** For the calls of apps: a valid user token, or 401. */
@Injectable()
export class UserGuard implements CanActivate {
  constructor(private readonly tokens: UserTokenService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    callers.set(request, await this.tokens.verify(bearer(request)));
    return true;
  }
}

/** The user whose token came with the call, and when it expires. */
export const CurrentIdentity = createParamDecorator((_: unknown, context: ExecutionContext) =>
  callerOf(context),
);

/** The id of the user whose token came with the call. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext): string => callerOf(context).userId,
);

/** The user that the guard found for the call; undefined on calls that it does not watch. */
export const callerIn = (request: Request): UserIdentity | undefined => callers.get(request);

function callerOf(context: ExecutionContext): UserIdentity {
  const caller = callerIn(context.switchToHttp().getRequest<Request>());
  if (!caller) throw new Error('needs @UseGuards(UserGuard)');
  return caller;
}
