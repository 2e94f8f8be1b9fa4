import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { Problem } from '../../http/problem.js';
import { findUser } from '../caller.js';
import type { UserIdentity } from './token-claims.js';

/** Protects the calls of apps: 401 without a user, whose token AuthenticationService has verified. */
@Injectable()
export class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (!findUser(context.switchToHttp().getRequest<Request>())) throw new Problem('token_missing');
    return true;
  }
}

/** Parameter decorator: the caller's identity. Needs UserGuard. */
export const CurrentIdentity = createParamDecorator((_: unknown, context: ExecutionContext) =>
  requireUser(context),
);

/** Parameter decorator: the caller's user id. Needs UserGuard. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext): string => requireUser(context).userId,
);

function requireUser(context: ExecutionContext): UserIdentity {
  const user = findUser(context.switchToHttp().getRequest<Request>());
  if (!user) throw new Error('needs @UseGuards(UserGuard)');
  return user;
}
