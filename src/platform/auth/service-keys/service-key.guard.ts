import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  applyDecorators,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import type { Request } from 'express';
import { SCOPE_EXTENSION } from '../../http/docs/operation.js';
import { Problem } from '../../http/problem.js';
import { findServiceKey } from '../caller.js';
import { hasScope, type Scope } from './service-key.js';

const SCOPE_METADATA = 'usher:scope';

/** Checks the scope of the service key, which AuthenticationService has identified: see NeedsScope. */
@Injectable()
export class ServiceKeyGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const caller = findServiceKey(context.switchToHttp().getRequest<Request>());
    if (!caller) throw new Problem('unauthorized', 'A valid service key is needed.');
    const scope = this.reflector.getAllAndOverride<Scope>(SCOPE_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!hasScope(caller.scopes, scope))
      throw new Problem('forbidden', `The key lacks the scope "${scope}".`);
    return true;
  }
}

/** Protects the calls of back offices: 401 without a valid service key, 403 if it lacks the scope. */
export const NeedsScope = (scope: Scope) =>
  applyDecorators(
    SetMetadata(SCOPE_METADATA, scope),
    UseGuards(ServiceKeyGuard),
    ApiBearerAuth('service key'),
    ApiExtension(SCOPE_EXTENSION, scope),
  );
